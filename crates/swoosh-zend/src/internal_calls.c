/* Code around every call of a function that is not written in PHP. */
#include "wrapper.h"

uint32_t swoosh_running_line(const char **file)
{
    *file = zend_get_executed_filename();
    return zend_get_executed_lineno();
}

static uint64_t (*before_call)(void);
static void (*after_call)(uint64_t);
static void (*previous)(zend_execute_data *, zval *);

static void watched_call(zend_execute_data *call, zval *result)
{
    uint64_t began = before_call();

    if (previous != NULL) {
        previous(call, result);
    } else {
        call->func->internal_function.handler(call, result);
    }
    after_call(began);
}

void swoosh_watch_internal_calls(uint64_t (*before)(void), void (*after)(uint64_t))
{
    before_call = before;
    after_call = after;
    previous = zend_execute_internal;
    zend_execute_internal = watched_call;
}
