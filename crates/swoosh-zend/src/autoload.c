/* Autoloading with several flows of execution: see `hook.rs`. */

#include "wrapper.h"

static swoosh_autoload_begin autoload_begin;
static swoosh_autoload_end autoload_end;
static swoosh_autoload_is_loader autoload_is_loader;
static swoosh_library_load library_load;
static zend_class_entry *(*original_autoload)(zend_string *name, zend_string *lc_name);
static zend_op_array *(*original_compile_file)(zend_file_handle *file, int type);
static zend_op_array *(*original_compile_string)(zend_string *source, const char *filename, zend_compile_position position);
static bool compile_hooks_installed;
static const zend_uchar declarations[] = {ZEND_DECLARE_CLASS, ZEND_DECLARE_CLASS_DELAYED, ZEND_DECLARE_ANON_CLASS};
static user_opcode_handler_t previous_declarations[sizeof declarations];

static size_t declaration(zend_uchar opcode)
{
    return opcode == declarations[0] ? 0 : opcode == declarations[1] ? 1 : 2;
}

/* Whether a class is usable; false after an exception, or if it cannot be found. */
static bool load(zend_string *name, zend_string *lc_name)
{
    return zend_lookup_class_ex(name, lc_name, 0) != NULL && EG(exception) == NULL;
}

/* Whether the class has been linked, also by another flow of execution while this one waited: its lists of names are gone. */
static bool is_resolved(const zend_class_entry *class)
{
    return (class->ce_flags & (ZEND_ACC_LINKED | ZEND_ACC_RESOLVED_PARENT | ZEND_ACC_RESOLVED_INTERFACES)) != 0;
}

/* Loads the classes that a declaration needs, in the order in which PHP would. */
static void load_dependencies(const zend_class_entry *class)
{
    uint32_t i;

    for (i = 0; !is_resolved(class) && i < class->num_traits; i++) {
        if (!load(class->trait_names[i].name, class->trait_names[i].lc_name)) {
            return;
        }
    }
    if (!is_resolved(class) && class->parent_name != NULL && !load(class->parent_name, NULL)) {
        return;
    }
    for (i = 0; !is_resolved(class) && i < class->num_interfaces; i++) {
        if (!load(class->interface_names[i].name, class->interface_names[i].lc_name)) {
            return;
        }
    }
}

/* PHP enters a class into its table before it loads the parent, the interfaces and the traits. While an autoloader waits
   there, other coroutines find a class that cannot be used yet, and get "not found" without an autoload. So what the class
   needs is loaded before its declaration runs. */
static zend_op_array *prepare_declarations(zend_op_array *code)
{
    uint32_t i;

    if (code == NULL || EG(exception) != NULL) {
        return code;
    }
    for (i = 0; i < code->last && EG(exception) == NULL; i++) {
        const zend_op *opline = &code->opcodes[i];

        if (opline->opcode == ZEND_DECLARE_CLASS || opline->opcode == ZEND_DECLARE_CLASS_DELAYED) {
            zend_string *lc_name = Z_STR_P(RT_CONSTANT(opline, opline->op1));
            zend_string *declaration_key = Z_STR_P(RT_CONSTANT(opline, opline->op1) + 1);
            const zend_class_entry *class = zend_hash_find_ptr(EG(class_table), declaration_key);

            if (class != NULL && autoload_is_loader(ZSTR_VAL(lc_name), ZSTR_LEN(lc_name))) {
                load_dependencies(class);
            }
        }
    }
    return code;
}

static zend_op_array *compile_file_with_dependencies(zend_file_handle *file, int type)
{
    return prepare_declarations(original_compile_file(file, type));
}

static zend_op_array *compile_string_with_dependencies(zend_string *source, const char *filename,
    zend_compile_position position)
{
    return prepare_declarations(original_compile_string(source, filename, position));
}

/* PHP's table of classes that are being loaded makes other coroutines fail to find them, so this one replaces its entry. */
static zend_class_entry *guarded_autoload(zend_string *name, zend_string *lc_name)
{
    zend_class_entry *found;
    int may_load;

    if (EG(in_autoload) != NULL) {
        zend_hash_del(EG(in_autoload), lc_name);
    }
    if (library_load != NULL && library_load(ZSTR_VAL(lc_name), ZSTR_LEN(lc_name))) {
        return EG(exception) == NULL ? zend_hash_find_ptr(EG(class_table), lc_name) : NULL;
    }
    while ((may_load = autoload_begin(ZSTR_VAL(lc_name), ZSTR_LEN(lc_name))) == 0) {
        found = zend_hash_find_ptr(EG(class_table), lc_name);
        if (found != NULL) {
            return found->ce_flags & ZEND_ACC_LINKED ? found : NULL;
        }
    }
    if (may_load < 0) {
        return NULL;
    }
    /* Installed with the first load, because an opcode cache replaces these pointers after module startup. */
    if (!compile_hooks_installed) {
        compile_hooks_installed = true;
        original_compile_file = zend_compile_file;
        original_compile_string = zend_compile_string;
        zend_compile_file = compile_file_with_dependencies;
        zend_compile_string = compile_string_with_dependencies;
    }
    found = original_autoload(name, lc_name);
    autoload_end(ZSTR_VAL(lc_name), ZSTR_LEN(lc_name));
    return found;
}

/* PHP links a class while its declaration runs: it enters a named class into its table first, and never checks whether a
   second flow of execution links the same anonymous class meanwhile. So neither may wait for an autoloader in between. */
static int declare_class(zend_execute_data *execute_data)
{
    const zend_op *opline = EX(opline);
    const zval *key = RT_CONSTANT(opline, opline->op1) + (opline->opcode == ZEND_DECLARE_ANON_CLASS ? 0 : 1);
    const zend_class_entry *class = zend_hash_find_ptr(EG(class_table), Z_STR_P(key));
    user_opcode_handler_t previous = previous_declarations[declaration(opline->opcode)];

    if (class != NULL) {
        load_dependencies(class);
        if (EG(exception) != NULL) {
            return ZEND_USER_OPCODE_CONTINUE;
        }
    }
    return previous != NULL ? previous(execute_data) : ZEND_USER_OPCODE_DISPATCH;
}

/* Whether the configuration gives the JIT compiler memory; it is off without. */
static bool has_jit(void)
{
    zval *size = cfg_get_entry(ZEND_STRL("opcache.jit_buffer_size"));
    return size != NULL && Z_TYPE_P(size) == IS_STRING && zend_atol(Z_STRVAL_P(size), Z_STRLEN_P(size)) > 0;
}

void swoosh_install_autoload_hooks(swoosh_autoload_begin begin, swoosh_autoload_end end, swoosh_autoload_is_loader is_loader)
{
    if (zend_autoload != NULL) {
        autoload_begin = begin;
        autoload_end = end;
        autoload_is_loader = is_loader;
        original_autoload = zend_autoload;
        zend_autoload = guarded_autoload;
        /* The JIT compiler refuses to start beside such handlers. Its opcode cache gives each linked class a copy of its own. */
        for (size_t at = 0; at < sizeof declarations && !has_jit(); at++) {
            previous_declarations[at] = zend_get_user_opcode_handler(declarations[at]);
            zend_set_user_opcode_handler(declarations[at], declare_class);
        }
    }
}

void swoosh_install_library(swoosh_library_load load)
{
    library_load = load;
    if (zend_autoload != NULL && original_autoload == NULL) {
        original_autoload = zend_autoload;
        zend_autoload = guarded_autoload;
    }
}
