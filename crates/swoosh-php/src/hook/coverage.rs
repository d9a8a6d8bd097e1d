//! Installs the hooks of system calls, and records which flags they cannot serve in this build of PHP.

use crate::coroutine::hook_flags::{
    CURL, FILE, MONGODB, NATIVE_CURL, NET_FUNCTION, PDO_PGSQL, PDO_SQLITE, PROC, SOCKETS, Unserved, add_unserved,
};
use swoosh_zend::hook::is_module_loaded;
use swoosh_zend::system_calls::{hook_files, hook_name_lookup, hook_poll, hook_processes, hook_sleep, hook_sockets};

/// Installs the hooks during module startup.
pub(super) fn start_up() {
    record(FILE, "SWOOLE_HOOK_FILE", &hook_files());
    record(PROC, "SWOOLE_HOOK_PROC", &hook_processes());
    hook_name_lookup::<NET_FUNCTION>(None);
    if is_module_loaded("sockets") {
        record(SOCKETS, "SWOOLE_HOOK_SOCKETS", &hook_sockets());
    }
    let curl = hook_poll::<{ NATIVE_CURL | CURL }, false>("libcurl");
    if is_module_loaded("curl") && !curl {
        record(NATIVE_CURL, "SWOOLE_HOOK_NATIVE_CURL", &["curl_exec()", "curl_multi_select()"]);
    }
    let postgres = hook_poll::<PDO_PGSQL, true>("libpq.");
    hook_name_lookup::<PDO_PGSQL>(Some("libpq."));
    if (is_module_loaded("pdo_pgsql") || is_module_loaded("pgsql")) && !postgres {
        record(PDO_PGSQL, "SWOOLE_HOOK_PDO_PGSQL", &["pdo_pgsql", "pgsql"]);
    }
    let sqlite = hook_sleep::<PDO_SQLITE>("libsqlite3");
    if (is_module_loaded("pdo_sqlite") || is_module_loaded("sqlite3")) && !sqlite {
        record(PDO_SQLITE, "SWOOLE_HOOK_PDO_SQLITE", &["pdo_sqlite", "sqlite3"]);
    }
    if is_module_loaded("mongodb") {
        record(MONGODB, "SWOOLE_HOOK_MONGODB", &["mongodb"]);
    }
}

fn record(flag: i64, name: &'static str, functions: &[&'static str]) {
    if !functions.is_empty() {
        add_unserved(Unserved { flag, name, functions: functions.join(", ") });
    }
}
