/* What of the Zend API exists only as macros or inline functions. */
#ifndef SWOOSH_SHIM_H
#define SWOOSH_SHIM_H

#include <stdbool.h>
#include <stddef.h>

/* The values that PHP's macros compute. */
static const uint32_t SWOOSH_CALL_FRAME_SLOTS = ZEND_CALL_FRAME_SLOT;
extern const char swoosh_build_id[];

/* Runs `body(context)` under a bailout guard: true if a fatal error came through. */
bool swoosh_try(void (*body)(void *), void *context);
/* Goes on with a fatal error that a guard stopped. Does not return. */
void swoosh_bailout(void);
/* zend_call_function under a bailout guard: true if a fatal error came through. EG(exception) may be set afterwards. */
bool swoosh_call(zend_fcall_info *call, zend_fcall_info_cache *cache);
/* The same for a closure object, without looking it up first. */
bool swoosh_call_closure(zend_object *closure, zval *retval, uint32_t count, zval *params);

/* A new string; interned for no or one byte. */
void swoosh_zval_stringl(zval *z, const char *bytes, size_t length);
zend_string *swoosh_string_new(const char *bytes, size_t length);
/* A buffer of `length` bytes to be filled in; the final zero byte is set. */
zend_string *swoosh_string_alloc(size_t length);
zend_string *swoosh_string_permanent(const char *bytes, size_t length);
void swoosh_string_release(zend_string *s);
/* The array behind `*z`, made a copy of its own where others hold it too. */
zend_array *swoosh_separate_array(zval *z);
zend_array *swoosh_array_new(uint32_t size);
/* Adds an element whose key is not there yet. */
void swoosh_array_append(zend_array *array, zend_string *key, zval *value);
/* Position `*at` of an array and all after it: the next element that is set, or NULL; indirect ones are resolved. */
zval *swoosh_array_next(const zend_array *array, uint32_t *at, zend_string **key, zend_ulong *index);
/* Gives up one count of a value. */
void swoosh_zval_release(zval *z);
/* Gives a text of PHP's allocator back. */
void swoosh_free(void *memory);
void swoosh_object_release(zend_object *object);
/* Allocates `extra` bytes and, behind them, an object of class `ce`, initialised from its declaration. */
zend_object *swoosh_object_alloc(size_t extra, zend_class_entry *ce);
/* What PHP's cycle collector asks of an object: its properties, and what `held` adds. */
HashTable *swoosh_gc(zend_object *object, void (*held)(zend_object *, void *), zval **table, int *count);
void swoosh_gc_add(void *buffer, zval *value);
bool swoosh_instanceof(const zend_class_entry *ce, const zend_class_entry *of);
/* The class's slot number of a declared property, -1 if there is none. */
int swoosh_property_slot(zend_class_entry *ce, const char *name, size_t length);
/* Gives a property declared by reference a value, as `$ref = $value` does. Takes the value over. */
void swoosh_assign_reference(zval *reference, zval *value);

/* Whether EG(exception) is an exit(). */
bool swoosh_is_exit(void);
/* Whether the script ended with a fatal error already. */
bool swoosh_has_failed(void);
void swoosh_serialize(zval *value, zval *result);
/* False where the bytes are no serialised value. */
bool swoosh_unserialize(zval *result, const char *bytes, size_t length);
/* The descriptor behind a stream, -1 if there is none. */
int swoosh_stream_descriptor(zval *stream);
/* The descriptor of a Socket object of ext/sockets. */
int swoosh_socket_descriptor(zend_object *socket);
/* Calls `function` when the script ends. */
void swoosh_at_script_end(const char *function, size_t length);
uint32_t swoosh_count_objects(void);
uint32_t swoosh_count_resources(void);
/* The living object with that handle, or NULL. */
zend_object *swoosh_object_by_handle(zend_ulong handle);
uint32_t swoosh_object_handles(void);
uint64_t swoosh_string_hash(const char *bytes, size_t length);
/* Makes the class's instances refuse serialize(). */
void swoosh_class_not_serializable(zend_class_entry *ce);
void swoosh_class_allow_dynamic(zend_class_entry *ce);
/* Ends every output buffer and sends what it holds. */
void swoosh_flush_output(void);
/* What PHP does at a script's end, in its order: shutdown functions, destructors. Nothing of the script runs behind it. */
void swoosh_end_script(void);
/* What exit() or a fatal error made the status of the process. */
int swoosh_exit_status(void);


/* What of PHP's state a coroutine takes with it while it waits. */
struct swoosh_rare;
typedef struct {
    zend_vm_stack vm_stack;
    zval *vm_stack_top;
    zval *vm_stack_end;
    size_t vm_stack_page_size;
    zend_execute_data *current_execute_data;
    JMP_BUF *bailout;
    zend_fiber_context *current_fiber_context;
    int error_reporting;
    uint32_t jit_trace_num;
    /* A pending exception, a fiber, errors thrown, output buffers, a running sort or serialisation, blocked fibers: NULL
     * where there is none of it. */
    struct swoosh_rare *rare;
} swoosh_vm_globals;

typedef struct {
    swoosh_vm_globals own;
    swoosh_vm_globals resumer;
    zend_fiber_context context;
    /* The first page of its VM stack, kept for the next body. */
    zend_vm_stack page;
} swoosh_vm;

/* The resumer's last step before a switch to a new body. May bail out: there is no memory. */
void swoosh_vm_begin(swoosh_vm *vm);
/* The resumer's last step before a switch to a body that waits. */
void swoosh_vm_resume(swoosh_vm *vm);
/* A body's last step before it waits. */
void swoosh_vm_suspend(swoosh_vm *vm);
/* Runs `body(context)` on a VM stack of its own: true if a fatal error came through. The resumer's state is back then. */
bool swoosh_vm_run(swoosh_vm *vm, void (*body)(void *), void *context);
/* Gives back what an idle machine keeps. */
void swoosh_vm_free(swoosh_vm *vm);
/* The backtrace of a body that waits, or of whoever resumed the one that runs. */
void swoosh_vm_backtrace(swoosh_vm *vm, bool of_resumer, zval *result, int options, int limit);

/* zend_call_function without a guard: a fatal error jumps out of it. */
void swoosh_call_unguarded(zend_fcall_info_cache *cache, zval *callable, zval *result, uint32_t count, zval *params);
void swoosh_call_closure_unguarded(zend_object *closure, zval *result, uint32_t count, zval *params);
/* Takes the pending exception; NULL where none is, or an exit, which is dropped and told. */
zend_object *swoosh_take_pending_exception(bool *exits);
/* Tells PHP of an exception that nobody caught, which is taken over. */
void swoosh_report_exception(zend_object *exception);
/* Ends every output buffer of this coroutine. */
void swoosh_end_output(void);
void swoosh_backtrace(zval *result, int options, int limit);
void swoosh_write(const char *bytes, size_t length);
void swoosh_throw_graceful_exit(void);

/* Calls `hook(status)` for each `exit`, with what it was given; true: the hook has thrown, and the exit is none. */
void swoosh_set_exit_handler(bool (*hook)(zval *));
/* Calls `hook` soon after swoosh_interrupt(), between two instructions of PHP code. */
void swoosh_set_interrupt_handler(void (*hook)(void));
/* From any thread. */
void swoosh_interrupt(void);
bool swoosh_is_interrupted(void);
/* Does what is to be done between two instructions. */
void swoosh_handle_interrupt(void);


/* Waits until a descriptor can be read (or written): 1 it can, 0 not in time, -1 cancelled, -2 it is closed. Less than no seconds: for ever. */
typedef int (*swoosh_stream_wait)(int descriptor, bool write, double seconds);
/* Whether a stream of that kind (a SWOOLE_HOOK_ bit) is to be hooked; of 0: whether the caller may wait. */
typedef bool (*swoosh_stream_wanted)(int flag);
/* The address of `host:port`, written to `addresses` with the port; of a service each of its addresses with a line end. How
   many bytes; 0: it is none that is asked for; -1: it has no address. */
typedef ptrdiff_t (*swoosh_stream_resolve)(const char *name, size_t length, char *addresses, size_t room);
/* A descriptor is about to be closed: whoever waits for it has left it when this returns. */
typedef void (*swoosh_stream_leave)(int descriptor);
/* Has the socket streams that are opened from now on wait by `wait`. While the module starts. */
void swoosh_install_stream_hooks(swoosh_stream_wait wait, swoosh_stream_wanted wanted, swoosh_stream_resolve ask,
    swoosh_stream_leave leave);
/* Whether bytes were read of a stream and not given out. */
bool swoosh_stream_has_buffered(zval *stream);
/* Puts `handler` in the place of an internal function's. */
bool swoosh_replace_function(const char *name, size_t length, zif_handler handler, zif_handler *before);

/* Reads `a=b&c[]=d` into a new array, as parse_str() does. */
void swoosh_parse_query(const char *bytes, size_t length, zval *array);
/* Puts a value (which is taken over) under a name such as `a[b][]`, as PHP does with request variables. */
void swoosh_register_variable(const char *name, zval *value, zval *array);
/* Makes a file one that is_uploaded_file() and move_uploaded_file() know, or no longer; whether it was one. */
bool swoosh_uploaded_add(const char *path, size_t length);
bool swoosh_uploaded_remove(const char *path, size_t length);

#endif
