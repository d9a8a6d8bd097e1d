//! Reads PHP's own headers: bindings for `ffi.rs`, and the C shim for what only macros can do.
//!
//! The headers are those of `php-config`, or of the program named in `PHP_CONFIG`. What depends on their version or thread
//! model is compiled by `cfg(php83)`, `cfg(php84)`, `cfg(php85)` (that version or a later one) and `cfg(php_zts)`.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, exit};

fn main() {
    println!("cargo:rerun-if-env-changed=PHP_CONFIG");
    for file in [
        "wrapper.h",
        "shim.h",
        "shim.c",
        "autoload.c",
        "early_binding.c",
        "exit.c",
        "internal_calls.c",
        "mysqlnd.c",
        "state_writes.c",
        "stream.c",
        "file_stream.c",
    ] {
        println!("cargo:rerun-if-changed=src/{file}");
    }
    let includes = php_includes();
    let php = Php::of(&includes);
    println!("cargo::rustc-check-cfg=cfg(php83, php84, php85, php_zts)");
    for (name, first) in [("php83", 80300), ("php84", 80400), ("php85", 80500)] {
        if php.version >= first {
            println!("cargo::rustc-cfg={name}");
        }
    }
    let mut flags = includes;
    if php.is_thread_safe {
        println!("cargo::rustc-cfg=php_zts");
        // PHP's globals are reached through a pointer that each thread keeps, rather than through a look-up.
        flags.push("-DZEND_ENABLE_STATIC_TSRMLS_CACHE=1".to_owned());
    }
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));

    bindgen::Builder::default()
        .header("src/wrapper.h")
        .clang_args(&flags)
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
        .file("src/exit.c")
        .file("src/internal_calls.c")
        .file("src/mysqlnd.c")
        .file("src/state_writes.c")
        .file("src/stream.c")
        .file("src/file_stream.c")
        .include("src")
        .warnings(false)
        .flag("-Werror=implicit-function-declaration")
        // A switch between coroutines goes through here twice.
        .flag("-fno-plt")
        .flag("-fomit-frame-pointer");
    // PHP's inline functions call functions of the very version of the headers on paths that the optimiser removes. Without
    // that an earlier patch release of the same PHP could not load the extension.
    if env::var("OPT_LEVEL").as_deref() == Ok("0") {
        shim.opt_level(1);
    }
    for flag in &flags {
        shim.flag(flag);
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
        _ => refuse(&format!(
            "`{program} --includes` does not run: install PHP's development files (Debian: apt install php-dev), \
             or name another php-config in PHP_CONFIG"
        )),
    }
}

/// The PHP whose headers are used.
struct Php {
    /// `PHP_VERSION_ID`: 80200 for PHP 8.2.0.
    version: u32,
    /// Whether it is built with `--enable-zts`.
    is_thread_safe: bool,
}

impl Php {
    /// Reads its headers; ends the build if the version is not supported.
    fn of(includes: &[String]) -> Self {
        let folder = includes
            .iter()
            .filter_map(|flag| flag.strip_prefix("-I"))
            .map(Path::new)
            .find(|folder| folder.join("main/php_version.h").is_file());
        let Some(folder) = folder else {
            refuse("php-config names no folder with main/php_version.h: install PHP's development files");
        };
        let header = |name: &str| {
            let path = folder.join(name);
            // An upgrade of PHP in place needs new bindings.
            println!("cargo:rerun-if-changed={}", path.display());
            fs::read_to_string(&path).unwrap_or_else(|error| refuse(&format!("{}: {error}", path.display())))
        };
        let version = defined(&header("main/php_version.h"), "PHP_VERSION_ID").and_then(|text| text.parse().ok());
        let is_thread_safe = defined(&header("main/php_config.h"), "ZTS").is_some();
        match version {
            Some(version) if SUPPORTED.contains(&version) => Php { version, is_thread_safe },
            Some(version) => refuse(&format!(
                "PHP {}.{} is not supported, but 8.2 to 8.5 are: name the php-config of one of them in PHP_CONFIG",
                version / 10000,
                version / 100 % 100
            )),
            None => refuse(&format!("{} does not say which PHP it is of", folder.join("main/php_version.h").display())),
        }
    }
}

/// The values of `PHP_VERSION_ID` for which the extension can be built.
const SUPPORTED: std::ops::Range<u32> = 80200..80600;

/// The text that a header defines `name` as.
fn defined<'a>(header: &'a str, name: &str) -> Option<&'a str> {
    header.lines().find_map(|line| {
        let mut words = line.strip_prefix("#define")?.splitn(3, char::is_whitespace).skip(1);
        (words.next()? == name).then(|| words.next().unwrap_or("").trim())
    })
}

/// Ends the build with one line that says what to do.
#[expect(clippy::disallowed_methods, reason = "a build that cannot be says so in one line, without a backtrace")]
fn refuse(problem: &str) -> ! {
    println!("cargo::error={problem}");
    exit(1)
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
    "zend_clear_exception",
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
