/* Parts of the Zend API that exist only as macros or inline functions, and the swap of PHP's globals at stack switches.
 *
 * Invariant: save() and restore() list the same fields (SWOOSH_GLOBALS, SWOOSH_RARE_GLOBALS), so that no global of one
 * coroutine is seen by another.
 *
 * Length: the C side of the crate is one compilation unit apart from the stream hooks; each function is a few lines. */
#include "wrapper.h"
#include "Zend/zend_smart_str.h"

/* Bytes of the first page of a coroutine's VM stack, and of the pages added when it is full. */
#define SWOOSH_VM_PAGE 3072
#define SWOOSH_VM_PAGE_MORE 8192

/* Bytes of a coroutine's native stack that PHP code leaves to functions of the extension. */
#define SWOOSH_STACK_RESERVE (128 * 1024)

const char swoosh_build_id[] = ZEND_MODULE_BUILD_ID;

ZEND_TSRMLS_CACHE_DEFINE()

void swoosh_enter_thread(void)
{
    ZEND_TSRMLS_CACHE_UPDATE();
}

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
    zend_fcall_info call = empty_fcall_info;
    zend_fcall_info_cache cache = empty_fcall_info_cache;

    call.size = sizeof(call);
    ZVAL_OBJ(&call.function_name, closure);
    call.retval = retval;
    call.params = params;
    call.param_count = count;
    closure->handlers->get_closure(closure, &cache.called_scope, &cache.function_handler, &cache.object, false);
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

void swoosh_array_append(zend_array *array, zend_string *key, zval *value)
{
    if (HT_FLAGS(array) & HASH_FLAG_UNINITIALIZED) {
        zend_hash_real_init_mixed(array);
    }
    if (HT_IS_PACKED(array) || array->nNumUsed >= array->nTableSize) {
        zend_hash_add_new(array, key, value);
    } else {
        _zend_hash_append(array, key, value);
    }
}

bool swoosh_array_add(zend_array *array, zend_string *key, zval *value)
{
    return zend_hash_add(array, key, value) != NULL;
}

bool swoosh_array_add_text(zend_array *array, const char *key, size_t length, zval *value)
{
    return zend_hash_str_add(array, key, length, value) != NULL;
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

bool swoosh_object_is_plain(const zend_object *object)
{
    return GC_REFCOUNT(object) == 1 && object->properties == NULL
        && !(OBJ_FLAGS(object) & IS_OBJ_WEAKLY_REFERENCED);
}

void swoosh_object_reset(zend_object *object)
{
    zval *slot = object->properties_table;
    zval *initial = object->ce->default_properties_table;

    for (int count = object->ce->default_properties_count; count > 0; count--) {
        if (Z_TYPE_INFO_P(slot) != IS_NULL || Z_TYPE_INFO_P(initial) != IS_NULL) {
            zval before;
            ZVAL_COPY_VALUE(&before, slot);
            ZVAL_COPY_PROP(slot, initial);
            i_zval_ptr_dtor(&before);
        }
        slot++;
        initial++;
    }
    GC_DEL_FLAGS(object, IS_OBJ_DESTRUCTOR_CALLED);
}

void swoosh_gc_add(void *buffer, zval *value)
{
    zend_get_gc_buffer_add_zval(buffer, value);
}

HashTable *swoosh_gc(zend_object *object, void (*trace)(zend_object *, void *), zval **table, int *count)
{
    zend_get_gc_buffer *buffer = zend_get_gc_buffer_create();
    HashTable *properties = zend_std_get_gc(object, table, count);
    for (int i = 0; i < *count; i++) {
        zend_get_gc_buffer_add_zval(buffer, &(*table)[i]);
    }
    trace(object, buffer);
    zend_get_gc_buffer_use(buffer, table, count);
    return properties;
}

bool swoosh_instanceof(const zend_class_entry *ce, const zend_class_entry *of)
{
    return instanceof_function(ce, of);
}

static int slot_of(const zend_property_info *info)
{
    return info == NULL || (info->flags & ZEND_ACC_STATIC) ? -1 : (int) OBJ_PROP_TO_NUM(info->offset);
}

int swoosh_property_slot(zend_class_entry *ce, const char *name, size_t length)
{
    return slot_of(zend_hash_str_find_ptr(&ce->properties_info, name, length));
}

int swoosh_property_slot_of(zend_class_entry *ce, zend_string *name)
{
    return slot_of(zend_hash_find_ptr(&ce->properties_info, name));
}

void swoosh_assign_reference(zval *reference, zval *value)
{
    ZEND_TRY_ASSIGN_REF_TMP(reference, value);
}

zend_object *swoosh_exception(void)
{
    return EG(exception);
}

void swoosh_handle_uncaught(void)
{
    zend_object *exception;

    if (Z_TYPE(EG(user_exception_handler)) != IS_UNDEF) {
        zend_user_exception_handler();
    }
    exception = EG(exception);
    if (exception != NULL) {
        EG(exception) = NULL;
        zend_exception_error(exception, E_ERROR);
    }
    EG(exit_status) = 255;
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
    /* The descriptor is the first field of ext/sockets' php_socket, which precedes the zend_object. */
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

/* Calls the shutdown functions from `first` on that are behind the nth one with that name, and returns the index of the next
 * one to be registered. An exit or a fatal error in one skips the rest, as in PHP. */
zend_ulong swoosh_call_later_shutdown_functions(const char *name, size_t length, uint32_t nth, zend_ulong first)
{
    HashTable *functions = BG(user_shutdown_function_names);
    zend_ulong at = first;
    if (functions == NULL || !(EG(flags) & EG_FLAGS_IN_SHUTDOWN)) {
        return first;
    }
    for (; at < (zend_ulong) functions->nNextFreeElement; at++) {
        php_shutdown_function_entry *entry = zend_hash_index_find_ptr(functions, at);
        if (entry == NULL) {
            continue;
        }
        zval *called = &entry->fci.function_name;
        bool matches = Z_TYPE_P(called) == IS_STRING && Z_STRLEN_P(called) == length
            && memcmp(Z_STRVAL_P(called), name, length) == 0;
        if (nth > 0 && first == 0) {
            nth -= matches ? 1 : 0;
        } else if (!matches) {
            zval result;
            ZVAL_UNDEF(&result);
            entry->fci.retval = &result;
            if (zend_call_function(&entry->fci, &entry->fci_cache) == SUCCESS) {
                zval_ptr_dtor(&result);
            }
            if (EG(exception) != NULL) {
                zend_exception_error(EG(exception), E_ERROR);
            }
        }
    }
    return at;
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

void swoosh_end_script(void)
{
    EG(flags) |= EG_FLAGS_IN_SHUTDOWN;
    EG(current_execute_data) = NULL;
    php_call_shutdown_functions();
    zend_try {
        zend_call_destructors();
    } zend_end_try();
}

int swoosh_exit_status(void)
{
    return EG(exit_status);
}

void swoosh_set_exit_status(int status)
{
    EG(exit_status) = status;
}

/* ---- coroutines ---- */

/* PHP's globals that are swapped at each switch, and those that are swapped only if one of them is set. */
#define SWOOSH_GLOBALS(X, to) \
    X(to, vm_stack) X(to, vm_stack_top) X(to, vm_stack_end) X(to, vm_stack_page_size) \
    X(to, current_execute_data) X(to, bailout) X(to, current_fiber_context) X(to, error_reporting) \
    X(to, jit_trace_num) SWOOSH_STACK_GLOBALS(X, to)
/* The bounds of the native stack, with which PHP 8.3 and later detect endless recursion. */
#ifdef ZEND_CHECK_STACK_LIMIT
#define SWOOSH_STACK_GLOBALS(X, to) X(to, stack_base) X(to, stack_limit)
#else
#define SWOOSH_STACK_GLOBALS(X, to)
#endif
#define SWOOSH_RARE_GLOBALS(X, to) \
    X(to, active_fiber) X(to, exception_class) X(to, exception) X(to, prev_exception) \
    X(to, opline_before_exception) X(to, error_handling)
#define SWOOSH_SAVE(to, field) (to)->field = EG(field);
#define SWOOSH_RESTORE(from, field) EG(field) = (from)->field;

struct swoosh_rare {
    zend_fiber *active_fiber;
    zend_class_entry *exception_class;
    zend_object *exception;
    zend_object *prev_exception;
    const zend_op *opline_before_exception;
    zend_error_handling_t error_handling;
    bool has_output, compares;
    uint32_t blocked;
    zend_output_globals output;
    zend_fcall_info compare_call;
    zend_fcall_info_cache compare_cache;
    unsigned serialize_lock, serialize_level, unserialize_level;
    struct php_serialize_data *serialize;
    struct php_unserialize_data *unserialize;
};

#ifdef ZTS
#define SWOOSH_OUTPUT_GLOBALS ((zend_output_globals *) ZEND_MODULE_GLOBALS_BULK(output))
#else
#define SWOOSH_OUTPUT_GLOBALS (&output_globals)
#endif

static zend_function swoosh_entry_function = { ZEND_INTERNAL_FUNCTION };
static int swoosh_fiber_kind;

/* Tests all fields with one branch, since at nearly every switch none is set. */
static zend_always_inline bool has_rare(void)
{
    uintptr_t any = (uintptr_t) EG(exception) | (uintptr_t) EG(prev_exception) | (uintptr_t) EG(exception_class)
        | (uintptr_t) EG(active_fiber) | (uintptr_t) EG(error_handling) | (uintptr_t) OG(active)
        | BG(user_compare_fci).size | BG(serialize_lock) | BG(serialize).level | BG(unserialize).level;
    return any != 0 || zend_fiber_switch_blocked();
}

/* Resets the fields to their values without a pending exception or active fiber. */
static zend_always_inline void reset_exceptions(void)
{
    EG(active_fiber) = NULL;
    EG(exception_class) = NULL;
    EG(exception) = NULL;
    EG(prev_exception) = NULL;
    EG(error_handling) = EH_NORMAL;
}

static ZEND_COLD struct swoosh_rare *save_rare(void)
{
    struct swoosh_rare *rare = emalloc(sizeof(*rare));
    SWOOSH_RARE_GLOBALS(SWOOSH_SAVE, rare)
    reset_exceptions();
    rare->has_output = OG(active) != NULL;
    if (rare->has_output) {
        rare->output = *SWOOSH_OUTPUT_GLOBALS;
        php_output_activate();
        OG(flags) |= rare->output.flags & (PHP_OUTPUT_IMPLICITFLUSH | PHP_OUTPUT_DISABLED | PHP_OUTPUT_WRITTEN | PHP_OUTPUT_SENT);
    }
    for (rare->blocked = 0; zend_fiber_switch_blocked(); rare->blocked++) {
        zend_fiber_switch_unblock();
    }
    rare->compares = BG(user_compare_fci).size != 0;
    rare->compare_call = BG(user_compare_fci);
    rare->compare_cache = BG(user_compare_fci_cache);
    BG(user_compare_fci) = empty_fcall_info;
    BG(user_compare_fci_cache) = empty_fcall_info_cache;
    rare->serialize_lock = BG(serialize_lock);
    rare->serialize = BG(serialize).data;
    rare->serialize_level = BG(serialize).level;
    rare->unserialize = BG(unserialize).data;
    rare->unserialize_level = BG(unserialize).level;
    BG(serialize_lock) = 0;
    BG(serialize).data = NULL;
    BG(serialize).level = 0;
    BG(unserialize).data = NULL;
    BG(unserialize).level = 0;
    return rare;
}

static ZEND_COLD void restore_rare(struct swoosh_rare *rare)
{
    SWOOSH_RARE_GLOBALS(SWOOSH_RESTORE, rare)
    if (rare->has_output) {
        zend_stack_destroy(&OG(handlers));
        *SWOOSH_OUTPUT_GLOBALS = rare->output;
    }
    for (; rare->blocked > 0; rare->blocked--) {
        zend_fiber_switch_block();
    }
    BG(user_compare_fci) = rare->compare_call;
    BG(user_compare_fci_cache) = rare->compare_cache;
    BG(serialize_lock) = rare->serialize_lock;
    BG(serialize).data = rare->serialize;
    BG(serialize).level = rare->serialize_level;
    BG(unserialize).data = rare->unserialize;
    BG(unserialize).level = rare->unserialize_level;
    efree(rare);
}

static zend_always_inline void save(swoosh_vm_globals *s)
{
    SWOOSH_GLOBALS(SWOOSH_SAVE, s)
    s->rare = UNEXPECTED(has_rare()) ? save_rare() : NULL;
}

static zend_always_inline void restore(swoosh_vm_globals *s)
{
    SWOOSH_GLOBALS(SWOOSH_RESTORE, s)
    if (UNEXPECTED(s->rare != NULL)) {
        struct swoosh_rare *rare = s->rare;
        s->rare = NULL;
        restore_rare(rare);
    }
}

void swoosh_vm_begin(swoosh_vm *vm)
{
    if (vm->page == NULL) {
        vm->page = emalloc(SWOOSH_VM_PAGE);
    }
    save(&vm->resumer);
    memset(&vm->context, 0, sizeof(vm->context));
    vm->context.kind = &swoosh_fiber_kind;
    /* Observers recognise the first switch to a context by this status: Xdebug then makes a stack for it. */
    vm->context.status = ZEND_FIBER_STATUS_INIT;
    zend_observer_fiber_init_notify(&vm->context);
    zend_observer_fiber_switch_notify(EG(current_fiber_context), &vm->context);
    vm->context.status = ZEND_FIBER_STATUS_RUNNING;
}

void swoosh_vm_resume(swoosh_vm *vm)
{
    save(&vm->resumer);
    zend_observer_fiber_switch_notify(EG(current_fiber_context), vm->own.current_fiber_context);
    restore(&vm->own);
}

void swoosh_vm_suspend(swoosh_vm *vm)
{
    save(&vm->own);
    zend_observer_fiber_switch_notify(EG(current_fiber_context), vm->resumer.current_fiber_context);
    restore(&vm->resumer);
}

bool swoosh_vm_run(swoosh_vm *vm, void (*body)(void *), void *context)
{
    volatile bool failed = false;
    zend_vm_stack page = vm->page;
    zend_execute_data *frame;

    page->top = ZEND_VM_STACK_ELEMENTS(page);
    page->end = (zval *) ((char *) page + SWOOSH_VM_PAGE);
    page->prev = NULL;
    EG(vm_stack) = page;
    EG(vm_stack_top) = page->top + ZEND_CALL_FRAME_SLOT;
    EG(vm_stack_end) = page->end;
    EG(vm_stack_page_size) = SWOOSH_VM_PAGE_MORE;
    frame = (zend_execute_data *) page->top;
    memset(frame, 0, sizeof(*frame));
    frame->func = &swoosh_entry_function;
    EG(current_execute_data) = frame;
    EG(jit_trace_num) = 0;
    EG(current_fiber_context) = &vm->context;
#ifdef ZEND_CHECK_STACK_LIMIT
    EG(stack_base) = vm->stack_base;
    EG(stack_limit) = EG(max_allowed_stack_size) == ZEND_MAX_ALLOWED_STACK_SIZE_UNCHECKED
        ? NULL : vm->stack_end + EG(reserved_stack_size) + SWOOSH_STACK_RESERVE;
#endif
    if (UNEXPECTED((EG(error_reporting) & ~E_FATAL_ERRORS) == 0)) {
        /* Created within an `@` expression, which applies to the creator only. */
        const char *level = zend_ini_string("error_reporting", sizeof("error_reporting") - 1, 0);
        EG(error_reporting) = level != NULL && *level != '\0' ? (int) ZEND_STRTOL(level, NULL, 0) : E_ALL;
    }

    zend_first_try {
        body(context);
    } zend_catch {
        failed = true;
        zend_try {
            swoosh_end_output();
        } zend_end_try();
    } zend_end_try();

    while (EG(vm_stack) != NULL && EG(vm_stack) != page) {
        zend_vm_stack prev = EG(vm_stack)->prev;
        efree(EG(vm_stack));
        EG(vm_stack) = prev;
    }
    vm->context.status = ZEND_FIBER_STATUS_DEAD;
    zend_observer_fiber_switch_notify(&vm->context, vm->resumer.current_fiber_context);
    zend_observer_fiber_destroy_notify(&vm->context);
    reset_exceptions();
    restore(&vm->resumer);
    return failed;
}

void swoosh_vm_free(swoosh_vm *vm)
{
    if (vm->page != NULL) {
        efree(vm->page);
        vm->page = NULL;
    }
}

void swoosh_backtrace(zval *result, int options, int limit)
{
    zend_fetch_debug_backtrace(result, 0, options, limit);
}

void swoosh_vm_backtrace(swoosh_vm *vm, bool of_resumer, zval *result, int options, int limit)
{
    zend_execute_data *current = EG(current_execute_data);
    EG(current_execute_data) = of_resumer ? vm->resumer.current_execute_data : vm->own.current_execute_data;
    zend_fetch_debug_backtrace(result, 0, options, limit);
    EG(current_execute_data) = current;
}

void swoosh_call_unguarded(zend_fcall_info_cache *cache, zval *callable, zval *result, uint32_t count, zval *params)
{
    zend_fcall_info call = empty_fcall_info;

    call.size = sizeof(call);
    ZVAL_COPY_VALUE(&call.function_name, callable);
    call.retval = result;
    call.params = params;
    call.object = cache->object;
    call.param_count = count;
    zend_call_function(&call, cache);
}

void swoosh_call_closure_unguarded(zend_object *closure, zval *result, uint32_t count, zval *params)
{
    zend_fcall_info_cache cache = empty_fcall_info_cache;
    zval callable;

    ZVAL_OBJ(&callable, closure);
    closure->handlers->get_closure(closure, &cache.called_scope, &cache.function_handler, &cache.object, false);
    swoosh_call_unguarded(&cache, &callable, result, count, params);
}

zend_object *swoosh_take_pending_exception(bool *exits)
{
    zend_object *exception = EG(exception);

    *exits = swoosh_is_exit();
    if (exception == NULL || *exits) {
        if (exception != NULL) {
            zend_clear_exception();
        }
        return NULL;
    }
    GC_ADDREF(exception);
    zend_clear_exception();
    return exception;
}

void swoosh_report_exception(zend_object *exception)
{
    zend_exception_error(exception, E_ERROR);
    EG(exit_status) = 255;
}

void swoosh_end_output(void)
{
    if (UNEXPECTED(OG(active) != NULL)) {
        php_output_end_all();
    }
}

void swoosh_write(const char *bytes, size_t length)
{
    php_output_write(bytes, length);
}

void swoosh_throw_graceful_exit(void)
{
    zend_throw_graceful_exit();
}

static void (*interrupt_callback)(void);
static void (*previous_interrupt_handler)(zend_execute_data *execute_data);
static zend_atomic_bool interrupt_requested;
/* EG(vm_interrupt) of the thread that runs coroutines, for requests from other threads. */
static zend_atomic_bool *vm_interrupt;

static void interrupt_handler(zend_execute_data *execute_data)
{
    if (previous_interrupt_handler) {
        previous_interrupt_handler(execute_data);
    }
    if (vm_interrupt == &EG(vm_interrupt) && zend_atomic_bool_exchange(&interrupt_requested, false)) {
        interrupt_callback();
    }
}

void swoosh_set_interrupt_handler(void (*handler)(void))
{
    vm_interrupt = &EG(vm_interrupt);
    interrupt_callback = handler;
    previous_interrupt_handler = zend_interrupt_function;
    zend_interrupt_function = interrupt_handler;
}

void swoosh_interrupt(void)
{
    zend_atomic_bool_store(&interrupt_requested, true);
    if (vm_interrupt != NULL) {
        zend_atomic_bool_store(vm_interrupt, true);
    }
}

bool swoosh_is_interrupted(void)
{
    return zend_atomic_bool_load(&EG(vm_interrupt));
}

void swoosh_handle_interrupt(void)
{
    zend_atomic_bool_store(&EG(vm_interrupt), false);
    if (zend_atomic_bool_load(&EG(timed_out))) {
        zend_timeout();
    } else if (zend_interrupt_function) {
        zend_interrupt_function(EG(current_execute_data));
    }
}

zend_long swoosh_max_input_vars(void)
{
    return PG(max_input_vars);
}

void swoosh_parse_query(const char *bytes, size_t length, zval *array)
{
    array_init(array);
    sapi_module.treat_data(PARSE_STRING, estrndup(bytes, length), array);
}

void swoosh_register_variable(const char *name, zval *value, zval *array)
{
    php_register_variable_ex(name, value, array);
}

bool swoosh_uploaded_add(const char *path, size_t length)
{
    if (SG(rfc1867_uploaded_files) == NULL) {
        ALLOC_HASHTABLE(SG(rfc1867_uploaded_files));
        zend_hash_init(SG(rfc1867_uploaded_files), 8, NULL, NULL, 0);
    }
    return zend_hash_str_add_empty_element(SG(rfc1867_uploaded_files), path, length) != NULL;
}

bool swoosh_uploaded_remove(const char *path, size_t length)
{
    return SG(rfc1867_uploaded_files) != NULL && zend_hash_str_del(SG(rfc1867_uploaded_files), path, length) == SUCCESS;
}

void swoosh_run_source(const char *source, size_t length, const char *name)
{
    zend_eval_stringl((char *) source, length, NULL, (char *) name);
}

bool swoosh_alias_class(const char *target, size_t target_length, const char *alias, size_t alias_length)
{
    zend_string *name = zend_string_init(target, target_length, 0);
    zend_class_entry *class = zend_lookup_class(name);
    zend_string_release(name);
    if (class == NULL) {
        return false;
    }
    return zend_register_class_alias_ex(alias, alias_length, class, false) == SUCCESS;
}

void swoosh_load_class(const char *name, size_t length)
{
    zend_string *class = zend_string_init(name, length, 0);
    zend_lookup_class(class);
    zend_string_release(class);
}
