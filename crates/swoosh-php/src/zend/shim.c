#include "wrapper.h"
#include "Zend/zend_smart_str.h"

const char swoosh_build_id[] = ZEND_MODULE_BUILD_ID;

bool swoosh_try(void (*body)(void *), void *context)
{
    volatile bool failed = false;
    zend_try {
        body(context);
    } zend_catch {
        failed = true;
    } zend_end_try();
    return failed;
}

void swoosh_bailout(void)
{
    zend_bailout();
}

bool swoosh_call(zend_fcall_info *call, zend_fcall_info_cache *cache)
{
    volatile bool failed = false;
    zend_try {
        zend_call_function(call, cache);
    } zend_catch {
        failed = true;
    } zend_end_try();
    return failed;
}

bool swoosh_call_closure(zend_object *closure, zval *retval, uint32_t count, zval *params)
{
    volatile bool failed = false;
    zend_fcall_info call;
    zend_fcall_info_cache cache;

    call.size = sizeof(call);
    ZVAL_OBJ(&call.function_name, closure);
    call.retval = retval;
    call.params = params;
    call.object = NULL;
    call.param_count = count;
    call.named_params = NULL;
    closure->handlers->get_closure(closure, &cache.called_scope, &cache.function_handler, &cache.object, false);
    cache.calling_scope = NULL;
    zend_try {
        zend_call_function(&call, &cache);
    } zend_catch {
        failed = true;
    } zend_end_try();
    return failed;
}

void swoosh_zval_stringl(zval *z, const char *bytes, size_t length)
{
    ZVAL_STRINGL_FAST(z, bytes, length);
}

zend_string *swoosh_string_new(const char *bytes, size_t length)
{
    return zend_string_init_fast(bytes, length);
}

zend_string *swoosh_string_alloc(size_t length)
{
    zend_string *s = zend_string_alloc(length, 0);
    ZSTR_VAL(s)[length] = '\0';
    return s;
}

zend_string *swoosh_string_permanent(const char *bytes, size_t length)
{
    return zend_string_init_interned(bytes, length, 1);
}

void swoosh_string_release(zend_string *s)
{
    zend_string_release(s);
}

zend_array *swoosh_separate_array(zval *z)
{
    SEPARATE_ARRAY(z);
    return Z_ARR_P(z);
}

zend_array *swoosh_array_new(uint32_t size)
{
    return zend_new_array(size);
}

zval *swoosh_array_next(const zend_array *array, uint32_t *at, zend_string **key, zend_ulong *index)
{
    for (; *at < array->nNumUsed; (*at)++) {
        zval *value;
        if (HT_IS_PACKED(array)) {
            value = &array->arPacked[*at];
            *key = NULL;
            *index = *at;
        } else {
            Bucket *bucket = &array->arData[*at];
            value = &bucket->val;
            *key = bucket->key;
            *index = bucket->h;
        }
        if (Z_TYPE_P(value) == IS_INDIRECT) {
            value = Z_INDIRECT_P(value);
        }
        if (Z_TYPE_P(value) != IS_UNDEF) {
            (*at)++;
            return value;
        }
    }
    return NULL;
}

void swoosh_object_release(zend_object *object)
{
    OBJ_RELEASE(object);
}

zend_object *swoosh_object_alloc(size_t extra, zend_class_entry *ce)
{
    char *memory = emalloc(extra + sizeof(zend_object) + zend_object_properties_size(ce));
    memset(memory, 0, extra + sizeof(zend_object) - sizeof(zval));
    zend_object *object = (zend_object *) (memory + extra);
    zend_object_std_init(object, ce);
    object_properties_init(object, ce);
    return object;
}

bool swoosh_instanceof(const zend_class_entry *ce, const zend_class_entry *of)
{
    return instanceof_function(ce, of);
}

int swoosh_property_slot(zend_class_entry *ce, const char *name, size_t length)
{
    zend_property_info *info = zend_hash_str_find_ptr(&ce->properties_info, name, length);
    if (info == NULL || (info->flags & ZEND_ACC_STATIC)) {
        return -1;
    }
    return OBJ_PROP_TO_NUM(info->offset);
}

void swoosh_assign_reference(zval *reference, zval *value)
{
    ZEND_TRY_ASSIGN_REF_TMP(reference, value);
}

bool swoosh_is_exit(void)
{
    return EG(exception) && (zend_is_unwind_exit(EG(exception)) || zend_is_graceful_exit(EG(exception)));
}

bool swoosh_has_failed(void)
{
    if (PG(last_error_message) == NULL) {
        return false;
    }
    return (PG(last_error_type) & (E_ERROR | E_CORE_ERROR | E_USER_ERROR | E_COMPILE_ERROR)) != 0 && EG(exit_status) == 255;
}

void swoosh_serialize(zval *value, zval *result)
{
    smart_str buffer = {0};
    php_serialize_data_t data;
    PHP_VAR_SERIALIZE_INIT(data);
    php_var_serialize(&buffer, value, &data);
    PHP_VAR_SERIALIZE_DESTROY(data);
    if (EG(exception)) {
        smart_str_free(&buffer);
        ZVAL_NULL(result);
        return;
    }
    ZVAL_STR(result, smart_str_extract(&buffer));
}

bool swoosh_unserialize(zval *result, const char *bytes, size_t length)
{
    php_unserialize_data_t data;
    const unsigned char *at = (const unsigned char *) bytes;
    PHP_VAR_UNSERIALIZE_INIT(data);
    zval *parsed = var_tmp_var(&data);
    bool good = php_var_unserialize(parsed, &at, at + length, &data);
    if (good) {
        ZVAL_COPY(result, parsed);
    } else {
        ZVAL_NULL(result);
    }
    PHP_VAR_UNSERIALIZE_DESTROY(data);
    return good;
}

int swoosh_stream_descriptor(zval *resource)
{
    int descriptor = -1;
    php_stream *stream = zend_fetch_resource2_ex(resource, NULL, php_file_le_stream(), php_file_le_pstream());
    if (stream == NULL) {
        return -1;
    }
    if (php_stream_cast(stream, PHP_STREAM_AS_FD_FOR_SELECT | PHP_STREAM_CAST_INTERNAL, (void **) &descriptor, 0) != SUCCESS) {
        return -1;
    }
    return descriptor;
}

int swoosh_socket_descriptor(zend_object *socket)
{
    /* The descriptor is the first field of ext/sockets' php_socket, in front of the object itself. */
    return *(int *) ((char *) socket - socket->handlers->offset);
}

void swoosh_at_script_end(const char *function, size_t length)
{
    php_shutdown_function_entry entry;
    zval name;
    memset(&entry, 0, sizeof(entry));
    ZVAL_STRINGL(&name, function, length);
    if (zend_fcall_info_init(&name, 0, &entry.fci, &entry.fci_cache, NULL, NULL) != SUCCESS) {
        zval_ptr_dtor(&name);
        return;
    }
    if (!append_user_shutdown_function(&entry)) {
        zval_ptr_dtor(&name);
    }
}

uint32_t swoosh_count_objects(void)
{
    uint32_t count = 0;
    for (uint32_t at = 1; at < EG(objects_store).top; at++) {
        count += IS_OBJ_VALID(EG(objects_store).object_buckets[at]) ? 1 : 0;
    }
    return count;
}

uint32_t swoosh_count_resources(void)
{
    return zend_hash_num_elements(&EG(regular_list));
}

zend_object *swoosh_object_by_handle(zend_ulong handle)
{
    if (handle == 0 || handle >= EG(objects_store).top) {
        return NULL;
    }
    zend_object *object = EG(objects_store).object_buckets[handle];
    return IS_OBJ_VALID(object) && !(OBJ_FLAGS(object) & IS_OBJ_FREE_CALLED) ? object : NULL;
}

uint32_t swoosh_object_handles(void)
{
    return EG(objects_store).top;
}

uint64_t swoosh_string_hash(const char *bytes, size_t length)
{
    return zend_hash_func(bytes, length);
}

void swoosh_class_not_serializable(zend_class_entry *ce)
{
    ce->ce_flags |= ZEND_ACC_NOT_SERIALIZABLE;
}

void swoosh_class_allow_dynamic(zend_class_entry *ce)
{
    ce->ce_flags |= ZEND_ACC_ALLOW_DYNAMIC_PROPERTIES;
    zend_add_class_attribute(ce, zend_ce_allow_dynamic_properties->name, 0);
}

void swoosh_zval_release(zval *z)
{
    zval_ptr_dtor(z);
}

void swoosh_free(void *memory)
{
    efree(memory);
}

void swoosh_flush_output(void)
{
    zend_try {
        php_output_end_all();
        sapi_flush();
    } zend_end_try();
}

int swoosh_exit_status(void)
{
    return EG(exit_status);
}
