/* C functions for parts of the Zend API that exist only as macros or inline functions. */
#ifndef SWOOSH_SHIM_H
#define SWOOSH_SHIM_H

#include <stdbool.h>
#include <stddef.h>

/* Constants that PHP's macros compute. */
static const uint32_t SWOOSH_CALL_FRAME_SLOTS = ZEND_CALL_FRAME_SLOT;
static const uint32_t SWOOSH_SEND_MODE_SHIFT = _ZEND_SEND_MODE_SHIFT;
/* The kind of a type whose class names are a C string: its own since PHP 8.3. */
#ifdef _ZEND_TYPE_LITERAL_NAME_BIT
static const uint32_t SWOOSH_TYPE_NAME_BIT = _ZEND_TYPE_LITERAL_NAME_BIT;
#else
static const uint32_t SWOOSH_TYPE_NAME_BIT = _ZEND_TYPE_NAME_BIT;
#endif
extern const char swoosh_build_id[];

/* Lets the C side reach the globals of the calling thread; before its other functions, in each thread that runs PHP. Does
   nothing in a PHP without threads. */
void swoosh_enter_thread(void);
/* Runs `body(context)` under a bailout guard; true if a fatal error ended it. */
bool swoosh_try(void (*body)(void *), void *context);
/* Continues the jump of a fatal error that a guard stopped. Does not return. */
void swoosh_bailout(void);
/* zend_call_function under a bailout guard: true if a fatal error ended it. EG(exception) may be set afterwards. */
bool swoosh_call(zend_fcall_info *call, zend_fcall_info_cache *cache);
/* Like swoosh_call for a closure object, without resolving it first. */
bool swoosh_call_closure(zend_object *closure, zval *retval, uint32_t count, zval *params);

/* Stores a new string; strings of zero or one byte are interned. */
void swoosh_zval_stringl(zval *z, const char *bytes, size_t length);
zend_string *swoosh_string_new(const char *bytes, size_t length);
/* A string with `length` uninitialised bytes and a terminating zero byte. */
zend_string *swoosh_string_alloc(size_t length);
zend_string *swoosh_string_permanent(const char *bytes, size_t length);
void swoosh_string_release(zend_string *s);
/* The array in `*z`, copied first if it is shared. */
zend_array *swoosh_separate_array(zval *z);
zend_array *swoosh_array_new(uint32_t size);
/* Adds an element whose key is not in the array. */
void swoosh_array_append(zend_array *array, zend_string *key, zval *value);
/* Adds an element, whose value it takes over; false if the array has one with that key already. */
bool swoosh_array_add(zend_array *array, zend_string *key, zval *value);
bool swoosh_array_add_text(zend_array *array, const char *key, size_t length, zval *value);
/* The next defined element from position `*at` on, or NULL; resolves indirect elements and advances `*at`. */
zval *swoosh_array_next(const zend_array *array, uint32_t *at, zend_string **key, zend_ulong *index);
/* Releases one reference to a value. */
void swoosh_zval_release(zval *z);
/* Frees memory of PHP's allocator. */
void swoosh_free(void *memory);
void swoosh_object_release(zend_object *object);
/* Allocates an object of class `ce` with default properties, and `extra` zeroed bytes before it. */
zend_object *swoosh_object_alloc(size_t extra, zend_class_entry *ce);
/* Whether an object about to be freed has nothing but its declared properties: no weak references, no property table. */
bool swoosh_object_is_plain(const zend_object *object);
/* Gives it the properties of a new object, and lets its destructor be called again. */
void swoosh_object_reset(zend_object *object);
/* Implements get_gc: visits the properties of an object and the values that `trace` adds to the buffer. */
HashTable *swoosh_gc(zend_object *object, void (*trace)(zend_object *, void *), zval **table, int *count);
void swoosh_gc_add(void *buffer, zval *value);
bool swoosh_instanceof(const zend_class_entry *ce, const zend_class_entry *of);
/* The slot number of a declared property, -1 if there is none. */
int swoosh_property_slot(zend_class_entry *ce, const char *name, size_t length);
int swoosh_property_slot_of(zend_class_entry *ce, zend_string *name);
/* Assigns to a reference like `$ref = $value`. Takes over the value. */
void swoosh_assign_reference(zval *reference, zval *value);

/* EG(exception). */
zend_object *swoosh_exception(void);
/* Calls the user's exception handler with the pending exception, or reports it as a fatal error. Sets exit status 255. */
void swoosh_handle_uncaught(void);
/* Whether EG(exception) is an exit(). */
bool swoosh_is_exit(void);
/* Whether a fatal error has ended the script. */
bool swoosh_has_failed(void);
void swoosh_serialize(zval *value, zval *result);
/* False if the bytes are not a serialised value. */
bool swoosh_unserialize(zval *result, const char *bytes, size_t length);
/* The descriptor of a stream, -1 if it has none. */
int swoosh_stream_descriptor(zval *stream);
/* The descriptor of a Socket object of ext/sockets. */
int swoosh_socket_descriptor(zend_object *socket);
/* Registers `function` as a shutdown function. */
void swoosh_at_script_end(const char *function, size_t length);
zend_ulong swoosh_call_later_shutdown_functions(const char *name, size_t length, uint32_t nth, zend_ulong first);
/* Where PHP code runs: the line, and the file, which lives as long as that code. */
uint32_t swoosh_running_line(const char **file);
/* The name of the running function or method unless it is written in PHP, and its class or NULL. */
const char *swoosh_running_function(const char **class_name);
uint32_t swoosh_count_objects(void);
uint32_t swoosh_count_resources(void);
/* The live object with that handle, or NULL. */
zend_object *swoosh_object_by_handle(zend_ulong handle);
uint32_t swoosh_object_handles(void);
uint64_t swoosh_string_hash(const char *bytes, size_t length);
/* Makes serialize() throw for objects of the class. */
void swoosh_class_not_serializable(zend_class_entry *ce);
void swoosh_class_allow_dynamic(zend_class_entry *ce);
/* Flushes and ends all output buffers. */
void swoosh_flush_output(void);
/* Runs PHP's script end: shutdown functions, then destructors. No code of the script may run afterwards. */
void swoosh_end_script(void);
/* The exit status set by exit() or a fatal error. */
int swoosh_exit_status(void);
void swoosh_set_exit_status(int status);

/* PHP's globals that belong to one flow of execution, saved while it is suspended. */
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
#ifdef ZEND_CHECK_STACK_LIMIT
    void *stack_base;
    void *stack_limit;
#endif
    /* Rarely set globals: a pending exception, a fiber, output buffers, a running sort or serialisation, blocked fiber
     * switches. NULL if none is set. */
    struct swoosh_rare *rare;
} swoosh_vm_globals;

typedef struct {
    swoosh_vm_globals own;
    swoosh_vm_globals resumer;
    zend_fiber_context context;
    /* The highest and the lowest usable address of its native stack. */
    char *stack_base, *stack_end;
    /* The first page of its VM stack, reused by the next body. */
    zend_vm_stack page;
} swoosh_vm;

/* Called by the resumer before the first switch to a body. Bails out if memory is exhausted. */
void swoosh_vm_begin(swoosh_vm *vm);
/* Called by the resumer before a switch to a suspended body. */
void swoosh_vm_resume(swoosh_vm *vm);
/* Called by a body before it suspends. */
void swoosh_vm_suspend(swoosh_vm *vm);
/* Runs `body(context)` on a new VM stack and then restores the resumer's state; true if a fatal error ended the body. */
bool swoosh_vm_run(swoosh_vm *vm, void (*body)(void *), void *context);
/* Frees the cached VM stack page. */
void swoosh_vm_free(swoosh_vm *vm);
/* The backtrace of the suspended body or, with `of_resumer`, of the code that resumed the running one. */
void swoosh_vm_backtrace(swoosh_vm *vm, bool of_resumer, zval *result, int options, int limit);

/* zend_call_function without a bailout guard: a fatal error jumps out of it. */
void swoosh_call_unguarded(zend_fcall_info_cache *cache, zval *callable, zval *result, uint32_t count, zval *params);
void swoosh_call_closure_unguarded(zend_object *closure, zval *result, uint32_t count, zval *params);
/* Takes the pending exception. NULL if there is none, or if it is an exit, which is cleared and sets `*exits`. */
zend_object *swoosh_take_pending_exception(bool *exits);
/* Reports an uncaught exception as a fatal error. Takes over the exception. */
void swoosh_report_exception(zend_object *exception);
/* Flushes and ends the output buffers of the running coroutine. */
void swoosh_end_output(void);
void swoosh_backtrace(zval *result, int options, int limit);
void swoosh_write(const char *bytes, size_t length);
void swoosh_throw_graceful_exit(void);

/* Calls `handler(status)` for each `exit`. If it returns true it has thrown, and the exit is cancelled. Only during module
   startup. */
void swoosh_set_exit_handler(bool (*handler)(zval *));
/* Calls `handler` between two PHP instructions after each swoosh_interrupt(). */
void swoosh_set_interrupt_handler(void (*handler)(void));
/* Requests an interrupt. Async-signal-safe, and callable from any thread. */
void swoosh_interrupt(void);
bool swoosh_is_interrupted(void);
/* Handles a pending interrupt as the VM does between two instructions. */
void swoosh_handle_interrupt(void);
/* From now on calls `before` and then `after` around each function that is not written in PHP, `after` with what `before`
   returned. Code that is compiled earlier calls such functions without that. Once. */
void swoosh_watch_internal_calls(uint64_t (*before)(void), void (*after)(uint64_t));

/* Waits until a descriptor is readable (or writable): 1 ready, 0 timed out, -1 cancelled, -2 closed. A negative number of
   seconds means no timeout. */
typedef int (*swoosh_stream_wait)(int descriptor, bool write, double seconds);
/* Whether streams of a kind (a SWOOLE_HOOK_* bit) are hooked; for 0: whether the caller may wait. */
typedef bool (*swoosh_stream_is_enabled)(int flag);
/* Resolves `host:port`. Writes the address with its port to `addresses`, or for a service all addresses, each followed by a
   newline. Returns the length; 0 if the host is an address already; -1 if it has no address. */
typedef ptrdiff_t (*swoosh_stream_resolve)(const char *name, size_t length, char *addresses, size_t room);
/* Called before a descriptor is closed; ends all waits for it before it returns. */
typedef void (*swoosh_stream_before_close)(int descriptor);
/* Whether the caller may read, write or both. False with a pending error if another coroutine waits for that. */
typedef bool (*swoosh_stream_may_use)(int descriptor, bool read, bool write);
/* Whether the caller's last wait was cancelled. */
typedef bool (*swoosh_stream_was_cancelled)(void);
/* Installs the hooks of socket streams. Only during module startup. */
void swoosh_install_stream_hooks(swoosh_stream_wait wait, swoosh_stream_is_enabled is_enabled, swoosh_stream_resolve ask,
    swoosh_stream_before_close before_close, swoosh_stream_may_use may_use, swoosh_stream_was_cancelled was_cancelled);
bool swoosh_wait_was_cancelled(void);
/* Whether the caller may send a request on a stream and wait for its answer; otherwise an error is pending. */
bool swoosh_stream_may_request(php_stream *stream);
/* Makes mysqlnd call it before each command. At the beginning of a request, when all modules are loaded. */
void swoosh_guard_mysqlnd(void);
/* Marks the system calls of plain file streams, and calls `before_close` before such a stream closes its descriptor. Only
   during module startup. */
void swoosh_install_file_hooks(swoosh_stream_before_close before_close);
/* Whether the running read(2) or write(2) is the first that a plain file stream makes; clears the mark. */
bool swoosh_take_stream_call(void);
/* Whether a file is being compiled. */
bool swoosh_is_compiling(void);
/* Resets what a fatal error has left. */
void swoosh_file_hooks_request_end(void);
/* Whether a stream has bytes in its read buffer. */
bool swoosh_stream_has_buffered(zval *stream);
/* Whether the caller may load a class: 1 load it, 0 another flow of execution has loaded it meanwhile or failed to, -1 it
   cannot be found. May suspend the caller. */
typedef int (*swoosh_autoload_begin)(const char *name, size_t length);
/* The load that `begin` allowed is over. */
typedef void (*swoosh_autoload_end)(const char *name, size_t length);
/* Whether the running coroutine is loading the class. */
typedef bool (*swoosh_autoload_is_loader)(const char *name, size_t length);
/* Calls these functions around the autoloader. Only during module startup. */
void swoosh_install_autoload_hooks(swoosh_autoload_begin begin, swoosh_autoload_end end,
    swoosh_autoload_is_loader is_loader);
/* Declares the class with this name, in lower case, if it belongs to the extension's library; whether it does. */
typedef bool (*swoosh_library_load)(const char *name, size_t length);
/* Calls `load` before the autoloader. Only during module startup, after swoosh_install_autoload_hooks(). */
void swoosh_install_library(swoosh_library_load load);
/* Calls `load` for the parents of a file's classes before it is compiled. Only during module startup. */
void swoosh_install_early_binding(swoosh_library_load load);
/* Compiles and runs PHP code without an opening tag. `name` is its file name. Bails out after a fatal error. */
void swoosh_run_source(const char *source, size_t length, const char *name);
/* Gives a class, internal or not, another name until the end of the request; false if there is no such class. */
bool swoosh_alias_class(const char *target, size_t target_length, const char *alias, size_t alias_length);
/* Called before a static property is written: its name without the dollar sign, and the place. */
typedef void (*swoosh_write_seen)(const char *name, size_t length, const char *file, size_t file_length, uint32_t line);
/* Only during module startup, because compiled code keeps the handlers that it saw first. */
void swoosh_watch_static_writes(swoosh_write_seen callback);
/* Looks up a class, with autoloading. */
void swoosh_load_class(const char *name, size_t length);
/* Replaces the handler of an internal function; false if there is no such function. */
bool swoosh_replace_function(const char *name, size_t length, zif_handler handler, zif_handler *before);

/* Registers the internal function `of` under a second name; false if there is no such function. Only during module startup. */
bool swoosh_alias_function(const char *name, size_t length, const char *of, size_t of_length);
/* Whether a module is loaded. */
bool swoosh_module_loaded(const char *name, size_t length);

/* Parses `a=b&c[]=d` into a new array like parse_str(). */
zend_long swoosh_max_input_vars(void);
void swoosh_parse_query(const char *bytes, size_t length, zval *array);
/* Stores a value under a name such as `a[b][]`, like PHP's request variables. Takes over the value. */
void swoosh_register_variable(const char *name, zval *value, zval *array);
/* Adds a file to, or removes it from, the list of is_uploaded_file(); whether the list has changed. */
bool swoosh_uploaded_add(const char *path, size_t length);
bool swoosh_uploaded_remove(const char *path, size_t length);

#endif
