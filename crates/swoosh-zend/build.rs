//! Reads PHP's own headers: bindings for `ffi.rs`, and the C shim for what only macros can do.

use std::env;
use std::path::PathBuf;
use std::process::Command;

fn main() {
    println!("cargo:rerun-if-env-changed=PHP_CONFIG");
    for file in [
        "wrapper.h",
        "shim.h",
        "shim.c",
        "autoload.c",
        "early_binding.c",
        "state_writes.c",
        "stream.c",
        "file_stream.c",
    ] {
        println!("cargo:rerun-if-changed=src/{file}");
    }
    let includes = php_includes();
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));

    bindgen::Builder::default()
        .header("src/wrapper.h")
        .clang_args(&includes)
        .allowlist_function(FUNCTIONS.join("|"))
        .allowlist_type(TYPES.join("|"))
        .allowlist_var(VARIABLES.join("|"))
        .derive_default(false)
        .layout_tests(false)
        .generate_comments(false)
        .generate()
        .expect("PHP's headers cannot be read; is libclang installed?")
        .write_to_file(out.join("php.rs"))
        .expect("OUT_DIR is writable");

    let mut shim = cc::Build::new();
    shim.file("src/shim.c")
        .file("src/autoload.c")
        .file("src/early_binding.c")
        .file("src/state_writes.c")
        .file("src/stream.c")
        .file("src/file_stream.c")
        .include("src")
        .warnings(false)
        .flag("-Werror=implicit-function-declaration")
        // A switch between coroutines goes through here twice.
        .flag("-fno-plt")
        .flag("-fomit-frame-pointer");
    for include in &includes {
        shim.flag(include);
    }
    shim.compile("swoosh_zend_shim");
}

/// The `-I` flags of the PHP that the extension is built for.
fn php_includes() -> Vec<String> {
    let program = env::var("PHP_CONFIG").unwrap_or_else(|_| "php-config".to_owned());
    match Command::new(&program).arg("--includes").output() {
        Ok(out) if out.status.success() => {
            String::from_utf8_lossy(&out.stdout).split_whitespace().map(str::to_owned).collect()
        }
        _ => panic!(
            "`{program} --includes` does not run: install PHP's development files (Debian: apt install php-dev), \
             or name another php-config in PHP_CONFIG"
        ),
    }
}

const FUNCTIONS: &[&str] = &[
    "swoosh_.*",
    "zend_parse_arg_(long|double|bool|str)_slow",
    "zend_wrong_parameters_count_error",
    "zend_wrong_parameter_type_error",
    "zend_wrong_parameter_class_error",
    "zend_wrong_callback_error",
    "zend_wrong_callback_or_null_error",
    "zend_argument_(type|value)_error",
    "zend_throw_error",
    "zend_throw_exception",
    "zend_throw_exception_ex",
    "zend_throw_exception_object",
    "zend_throw_unwind_exit",
    "zend_exception_error",
    "zend_clear_exception",
    "zend_user_exception_handler",
    "zend_is_(unwind|graceful)_exit",
    "zend_value_error",
    "zend_type_error",
    "php_error_docref",
    "zend_error",
    "zend_fcall_info_init",
    "zend_is_callable_ex",
    "zend_get_callable_name",
    "zend_call_known_function",
    "zend_register_functions",
    "zend_register_internal_class_ex",
    "zend_class_implements",
    "zend_declare_typed_property",
    "zend_declare_class_constant_ex",
    "zend_register_(long|bool|double|stringl)_constant",
    "zend_register_class_alias_ex",
    "zend_register_ini_entries",
    "zend_unregister_ini_entries",
    "zend_ini_(long|string_ex)",
    "zend_lookup_class",
    "zend_fetch_class_by_name",
    "zend_object_std_init",
    "zend_object_std_dtor",
    "object_properties_init",
    "object_init_ex",
    "zend_objects_store_del",
    "zend_objects_clone_members",
    "zend_read_property",
    "zend_update_property",
    "instanceof_function_slow",
    "zend_std_compare_objects",
    "zend_std_get_properties",
    "zend_std_get_property_ptr_ptr",
    "zend_std_has_property",
    "zend_std_read_property",
    "_zend_new_array",
    "zend_array_dup",
    "zend_array_destroy",
    "zend_array_count",
    "zend_hash_.*find",
    "zend_hash_str_find",
    "zend_hash_index_find",
    "zend_hash_update",
    "zend_hash_str_update",
    "zend_hash_update",
    "zend_symtable_.*",
    "zend_hash_index_update",
    "zend_hash_next_index_insert",
    "zend_hash_str_del",
    "zend_hash_index_del",
    "zend_hash_func",
    "rc_dtor_func",
    "zval_add_ref",
    "zval_copy_ctor_func",
    "zval_try_get_string_func",
    "zval_get_(long|double)_func",
    "zend_is_true",
    "zend_try_assign_typed_ref",
    "zend_call_function",
    "php_info_print_table_.*",
    "display_ini_entries",
    "php_json_decode_ex",
    "php_unserialize_with_options",
    "append_user_shutdown_function",
    "_php_stream_cast",
    "php_file_le_p?stream",
    "zend_fetch_resource2_ex",
    "zend_get_closure_method_def",
    "zend_string_init",
];

const TYPES: &[&str] = &[
    "zval",
    "zend_string",
    "zend_array",
    "HashTable",
    "zend_object",
    "zend_reference",
    "zend_resource",
    "zend_class_entry",
    "zend_object_handlers",
    "zend_execute_data",
    "zend_function",
    "zend_function_entry",
    "zend_internal_arg_info",
    "zend_fcall_info",
    "zend_fcall_info_cache",
    "zend_ini_entry_def",
    "zend_module_entry",
    "zend_module_dep",
    "zend_result",
    "Bucket",
];

const VARIABLES: &[&str] = &[
    "executor_globals",
    "compiler_globals",
    "std_object_handlers",
    "zend_ce_.*",
    "spl_ce_RuntimeException",
    "spl_ce_ArrayIterator",
    "spl_ce_ArrayObject",
    "zend_string_init_interned",
    "zend_one_char_string",
    "zend_empty_string",
    "zend_empty_array",
    "ZEND_MODULE_API_NO",
    "MODULE_DEP_OPTIONAL",
    "SWOOSH_.*",
    "swoosh_build_id",
];
