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
/* Position `*at` of an array and all after it: the next element that is set, or NULL; indirect ones are resolved. */
zval *swoosh_array_next(const zend_array *array, uint32_t *at, zend_string **key, zend_ulong *index);
/* Gives up one count of a value. */
void swoosh_zval_release(zval *z);
/* Gives a text of PHP's allocator back. */
void swoosh_free(void *memory);
void swoosh_object_release(zend_object *object);
/* Allocates `extra` bytes and, behind them, an object of class `ce`, initialised from its declaration. */
zend_object *swoosh_object_alloc(size_t extra, zend_class_entry *ce);
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
/* What exit() or a fatal error made the status of the process. */
int swoosh_exit_status(void);

#endif
