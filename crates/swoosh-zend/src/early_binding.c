/* Loads the classes of the library that classes of a file extend, before the file is compiled. PHP declares those before the
   file runs, so that they can be used above their declaration, only if their parents exist. */

#include "wrapper.h"

static zend_ast_process_t original_process;
static swoosh_library_load load_class;

/* The full name, in lower case, of a class that a file names. */
static zend_string *resolve_class(zend_ast *ast, zend_string *space, HashTable *imports)
{
    zend_string *name = zend_ast_get_str(ast), *full, *lower;
    const char *end = memchr(ZSTR_VAL(name), '\\', ZSTR_LEN(name));
    size_t first = end == NULL ? ZSTR_LEN(name) : (size_t) (end - ZSTR_VAL(name));

    if (ast->attr == ZEND_NAME_FQ) {
        return zend_string_tolower(name);
    }
    if (ast->attr != ZEND_NAME_RELATIVE) {
        zend_string *alias = zend_string_init(ZSTR_VAL(name), first, false);
        lower = zend_string_tolower(alias);
        zend_string_release(alias);
        full = zend_hash_find_ptr(imports, lower);
        zend_string_release(lower);
        if (full != NULL) {
            full = zend_string_concat2(ZSTR_VAL(full), ZSTR_LEN(full), ZSTR_VAL(name) + first, ZSTR_LEN(name) - first);
            lower = zend_string_tolower(full);
            zend_string_release(full);
            return lower;
        }
    }
    if (space == NULL) {
        return zend_string_tolower(name);
    }
    full = zend_string_concat3(ZSTR_VAL(space), ZSTR_LEN(space), "\\", 1, ZSTR_VAL(name), ZSTR_LEN(name));
    lower = zend_string_tolower(full);
    zend_string_release(full);
    return lower;
}

static void add_imports(zend_ast_list *uses, zend_string *prefix, HashTable *imports)
{
    for (uint32_t n = 0; n < uses->children; n++) {
        zend_ast *use = uses->child[n];
        /* In a group without a kind, each name has its own. */
        if (use->attr != 0 && use->attr != ZEND_SYMBOL_CLASS) {
            continue;
        }
        zend_string *name = zend_ast_get_str(use->child[0]), *full, *alias;
        full = prefix == NULL ? zend_string_copy(name)
            : zend_string_concat3(ZSTR_VAL(prefix), ZSTR_LEN(prefix), "\\", 1, ZSTR_VAL(name), ZSTR_LEN(name));
        if (use->child[1] != NULL) {
            alias = zend_string_tolower(zend_ast_get_str(use->child[1]));
        } else {
            const char *last = zend_memrchr(ZSTR_VAL(name), '\\', ZSTR_LEN(name));
            last = last == NULL ? ZSTR_VAL(name) : last + 1;
            zend_string *own = zend_string_init(last, ZSTR_VAL(name) + ZSTR_LEN(name) - last, false);
            alias = zend_string_tolower(own);
            zend_string_release(own);
        }
        zend_hash_update_ptr(imports, alias, full);
        zend_string_release(alias);
    }
}

static void release_import(zval *import)
{
    zend_string_release((zend_string *) Z_PTR_P(import));
}

static void load_parents(zend_ast_list *statements, zend_string *space, HashTable *imports)
{
    for (uint32_t n = 0; n < statements->children; n++) {
        zend_ast *ast = statements->child[n];
        if (ast == NULL) {
            continue;
        }
        if (ast->kind == ZEND_AST_NAMESPACE) {
            space = ast->child[0] == NULL ? NULL : zend_ast_get_str(ast->child[0]);
            zend_hash_clean(imports);
            if (ast->child[1] != NULL) {
                load_parents(zend_ast_get_list(ast->child[1]), space, imports);
            }
        } else if (ast->kind == ZEND_AST_USE && ast->attr == ZEND_SYMBOL_CLASS) {
            add_imports(zend_ast_get_list(ast), NULL, imports);
        } else if (ast->kind == ZEND_AST_GROUP_USE && (ast->attr == 0 || ast->attr == ZEND_SYMBOL_CLASS)) {
            add_imports(zend_ast_get_list(ast->child[1]), zend_ast_get_str(ast->child[0]), imports);
        } else if (ast->kind == ZEND_AST_CLASS && ((zend_ast_decl *) ast)->child[0] != NULL) {
            zend_string *parent = resolve_class(((zend_ast_decl *) ast)->child[0], space, imports);
            if (!zend_hash_exists(EG(class_table), parent)) {
                bool in_compilation = CG(in_compilation);
                /* Their own parents are looked up while they run. */
                CG(in_compilation) = false;
                load_class(ZSTR_VAL(parent), ZSTR_LEN(parent));
                CG(in_compilation) = in_compilation;
            }
            zend_string_release(parent);
        }
    }
}

/* The library loads what its own files need before it compiles them. */
static bool compiles_library(void)
{
    static const char prefix[] = "@swoole/";
    return zend_string_starts_with_cstr(CG(compiled_filename), prefix, sizeof prefix - 1);
}

static void process(zend_ast *ast)
{
    if (ast != NULL && ast->kind == ZEND_AST_STMT_LIST && EG(active) && CG(compiled_filename) != NULL && !compiles_library()) {
        HashTable imports;
        zend_hash_init(&imports, 8, NULL, release_import, false);
        load_parents(zend_ast_get_list(ast), NULL, &imports);
        zend_hash_destroy(&imports);
    }
    if (original_process != NULL) {
        original_process(ast);
    }
}

void swoosh_install_early_binding(swoosh_library_load load)
{
    load_class = load;
    original_process = zend_ast_process;
    zend_ast_process = process;
}
