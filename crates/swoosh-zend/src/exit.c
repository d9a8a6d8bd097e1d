/* Hooks `exit`: an opcode until PHP 8.3, since then the functions `exit` and `die`. */
#include "wrapper.h"

static bool (*exit_callback)(zval *);

#if PHP_VERSION_ID >= 80400

static zif_handler original_exit, original_die;

/* Whether the callback has thrown; also true after a TypeError for the argument. */
static bool is_cancelled(zend_execute_data *execute_data)
{
    zend_string *text = NULL;
    zend_long code = 0;
    zval status;

    ZEND_PARSE_PARAMETERS_START(0, 1)
        Z_PARAM_OPTIONAL
        Z_PARAM_STR_OR_LONG(text, code)
    ZEND_PARSE_PARAMETERS_END_EX(return true);
    if (ZEND_NUM_ARGS() == 0) {
        ZVAL_NULL(&status);
    } else if (text != NULL) {
        ZVAL_STR(&status, text);
    } else {
        ZVAL_LONG(&status, code);
    }
    return exit_callback(&status);
}

static void hooked_exit(INTERNAL_FUNCTION_PARAMETERS)
{
    if (!is_cancelled(execute_data)) {
        original_exit(INTERNAL_FUNCTION_PARAM_PASSTHRU);
    }
}

static void hooked_die(INTERNAL_FUNCTION_PARAMETERS)
{
    if (!is_cancelled(execute_data)) {
        original_die(INTERNAL_FUNCTION_PARAM_PASSTHRU);
    }
}

void swoosh_set_exit_handler(bool (*handler)(zval *))
{
    exit_callback = handler;
    swoosh_replace_function(ZEND_STRL("exit"), hooked_exit, &original_exit);
    swoosh_replace_function(ZEND_STRL("die"), hooked_die, &original_die);
}

#else

static user_opcode_handler_t previous_exit_handler;

static int exit_handler(zend_execute_data *execute_data)
{
    const zend_op *opline = EX(opline);
    zval null, *status = &null;

    ZVAL_NULL(&null);
    if (opline->op1_type != IS_UNUSED) {
        status = opline->op1_type == IS_CONST ? RT_CONSTANT(opline, opline->op1) : EX_VAR(opline->op1.var);
        ZVAL_DEREF(status);
        if (Z_TYPE_P(status) == IS_UNDEF) {
            status = &null;
        }
    }
    if (exit_callback(status)) {
        if (opline->op1_type & (IS_TMP_VAR | IS_VAR)) {
            zval_ptr_dtor_nogc(EX_VAR(opline->op1.var));
        }
        return ZEND_USER_OPCODE_CONTINUE;
    }
    return previous_exit_handler ? previous_exit_handler(execute_data) : ZEND_USER_OPCODE_DISPATCH;
}

void swoosh_set_exit_handler(bool (*handler)(zval *))
{
    exit_callback = handler;
    previous_exit_handler = zend_get_user_opcode_handler(ZEND_EXIT);
    zend_set_user_opcode_handler(ZEND_EXIT, exit_handler);
}

#endif
