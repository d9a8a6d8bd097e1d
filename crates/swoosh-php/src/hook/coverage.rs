//! Installs the hooks of system calls, and records which flags they cannot serve in this build of PHP.

use crate::coroutine::hook_flags;
use crate::coroutine::hook_flags::{
    CURL, FILE, MONGODB, NATIVE_CURL, NET_FUNCTION, PDO_PGSQL, PDO_SQLITE, PROC, SOCKETS, TCP, Unserved,
};
use swoosh_zend::hook::is_module_loaded;
use swoosh_zend::system_calls::{
    hook_close, hook_files, hook_name_lookup, hook_poll, hook_postgres, hook_processes, hook_sleep, hook_sockets,
    hook_sqlite,
};

/// Installs the hooks during module startup.
pub(super) fn start_up() {
    record(FILE, "SWOOLE_HOOK_FILE", "files, pipes", &hook_files());
    record(PROC, "SWOOLE_HOOK_PROC", "processes", &hook_processes());
    hook_name_lookup::<NET_FUNCTION>(None);
    // Connections that PHP makes without a hooked stream, and the transfers of ext/ftp.
    hook_poll::<TCP, false, false>(None);
    hook_poll::<TCP, false, false>(Some("ftp.so"));
    if is_module_loaded("sockets") {
        record(SOCKETS, "SWOOLE_HOOK_SOCKETS", "ext/sockets", &hook_sockets());
    }
    let curl = hook_close("libcurl") && hook_poll::<{ NATIVE_CURL | CURL }, false, true>(Some("libcurl"));
    if is_module_loaded("curl") {
        let missing: &[_] = if curl { &[] } else { &["curl_exec()", "curl_multi_select()"] };
        record(NATIVE_CURL, "SWOOLE_HOOK_NATIVE_CURL", "curl", missing);
    }
    let postgres = hook_close("libpq.") && hook_poll::<PDO_PGSQL, true, true>(Some("libpq."));
    hook_name_lookup::<PDO_PGSQL>(Some("libpq."));
    for (module, library) in [("pdo_pgsql", "pdo_pgsql.so"), ("pgsql", "pgsql.so")] {
        if is_module_loaded(module) {
            hook_postgres(library);
            // Waits for notifications.
            hook_poll::<PDO_PGSQL, false, false>(Some(library));
            record(PDO_PGSQL, "SWOOLE_HOOK_PDO_PGSQL", module, if postgres { &[] } else { &["its queries"] });
        }
    }
    // The waits of databases that call PHP code and therefore stay in its thread.
    hook_sleep::<PDO_SQLITE>("libsqlite3");
    for (module, library) in [("pdo_sqlite", "pdo_sqlite.so"), ("sqlite3", "sqlite3.so")] {
        if is_module_loaded(module) {
            let missing: &[_] = if hook_sqlite(library) { &[] } else { &["its queries"] };
            record(PDO_SQLITE, "SWOOLE_HOOK_PDO_SQLITE", module, missing);
        }
    }
    if is_module_loaded("mongodb") {
        record(MONGODB, "SWOOLE_HOOK_MONGODB", "mongodb", &["all its functions"]);
    }
}

/// Records a family of functions: those that `missing` names block, the others are hooked.
fn record(flag: i64, name: &'static str, family: &'static str, missing: &[&'static str]) {
    if missing.is_empty() {
        return hook_flags::add_served(family);
    }
    hook_flags::add_unserved(Unserved { flag, name, functions: format!("{family}: {}", missing.join(", ")) });
}
