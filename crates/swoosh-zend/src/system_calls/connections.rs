//! Calls of PHP's database extensions into libpq and SQLite that may wait: one coroutine at a time uses a connection, and
//! another waits until the call of the first has returned.
//!
//! Invariant: a connection that a suspended call uses is not entered again, because neither library expects that of one
//! thread.

use super::{WaitHooks, active, errno, replace_in_extension, set_errno};
use crate::imports;
use crate::thread;
use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::ffi::{CStr, c_char, c_int, c_void};
use std::ptr::null_mut;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicPtr, Ordering};
use std::time::Duration;

/// SWOOLE_HOOK_PDO_PGSQL.
const POSTGRES: i64 = 1 << 16;
/// SWOOLE_HOOK_PDO_SQLITE.
const SQLITE: i64 = 1 << 19;

/// The address of a library's function.
struct Original(AtomicPtr<c_void>);

impl Original {
    const fn new() -> Self {
        Original(AtomicPtr::new(null_mut()))
    }

    /// Finds it. False if no library has it.
    fn find(&self, symbol: &CStr) -> bool {
        let found = imports::find(symbol);
        self.0.store(found, Ordering::Relaxed);
        !found.is_null()
    }

    fn get(&self) -> *mut c_void {
        self.0.load(Ordering::Relaxed)
    }
}

/// Finds a function and replaces it in an extension. The replacements in this file have the signatures of the functions and
/// call them, in any thread.
fn install(library: &'static str, symbol: &CStr, original: &Original, replacement: *const ()) -> bool {
    original.find(symbol) && replace_in_extension(library, symbol, replacement)
}

/// A replacement for each function, whose first argument is the connection; `$failure` is returned if the wait for another
/// coroutine is cancelled.
macro_rules! postgres {
    ($($name:ident($($argument:ident: $type:ty),*) -> $result:ty, $failure:expr;)*) => {
        $(
            #[allow(non_snake_case, clippy::unused_unit)]
            mod $name {
                use super::*;
                pub(super) static ORIGINAL: Original = Original::new();
                pub(super) unsafe extern "C" fn call(connection: *mut c_void, $($argument: $type),*) -> $result {
                    type Function = unsafe extern "C" fn(*mut c_void, $($type),*) -> $result;
                    // SAFETY: `install` has stored the address of the function with this signature before it installed
                    // this replacement.
                    let original = unsafe { std::mem::transmute::<*mut c_void, Function>(ORIGINAL.get()) };
                    let hooks = active(POSTGRES);
                    if hooks.is_some_and(|hooks| !(hooks.enter)(connection as usize)) {
                        return $failure;
                    }
                    // SAFETY: passes the caller's arguments on.
                    let result = unsafe { original(connection, $($argument),*) };
                    if let Some(hooks) = hooks {
                        (hooks.leave)(connection as usize);
                    }
                    result
                }
            }
        )*
        /// Serialises the calls of an extension that uses libpq.
        pub fn hook_postgres(library: &'static str) {
            $(
                let symbol = concat!(stringify!($name), "\0");
                if let Ok(symbol) = CStr::from_bytes_with_nul(symbol.as_bytes()) {
                    install(library, symbol, &$name::ORIGINAL, $name::call as *const ());
                }
            )*
        }
    };
}

type Texts = *const *const c_char;

postgres! {
    PQexec(query: *const c_char) -> *mut c_void, null_mut();
    PQexecParams(query: *const c_char, count: c_int, types: *const c_void, values: Texts, lengths: *const c_int,
        formats: *const c_int, format: c_int) -> *mut c_void, null_mut();
    PQprepare(name: *const c_char, query: *const c_char, count: c_int, types: *const c_void) -> *mut c_void, null_mut();
    PQexecPrepared(name: *const c_char, count: c_int, values: Texts, lengths: *const c_int, formats: *const c_int,
        format: c_int) -> *mut c_void, null_mut();
    PQgetResult() -> *mut c_void, null_mut();
    PQsendQuery(query: *const c_char) -> c_int, 0;
    PQputCopyData(bytes: *const c_char, length: c_int) -> c_int, -1;
    PQputCopyEnd(error: *const c_char) -> c_int, -1;
    PQgetCopyData(buffer: *mut *mut c_char, nonblocking: c_int) -> c_int, -2;
    PQreset() -> (), ();
    PQfinish() -> (), ();
}

// ---- SQLite ----

/// How often work is interrupted that goes on.
const INTERRUPT_INTERVAL: Duration = Duration::from_millis(1);
/// SQLITE_BUSY.
const BUSY: c_int = 5;

static STEP: Original = Original::new();
static EXEC: Original = Original::new();
static PREPARE: Original = Original::new();
static OPEN: Original = Original::new();
static CLOSE: Original = Original::new();
static RESET: Original = Original::new();
static FINALIZE: Original = Original::new();
static CREATE_FUNCTION: Original = Original::new();
static CREATE_COLLATION: Original = Original::new();
static SET_AUTHORIZER: Original = Original::new();
static DATABASE_OF: Original = Original::new();
static IS_RUNNING: Original = Original::new();
static INTERRUPT: Original = Original::new();

thread_local! {
    /// The databases that call PHP code, which therefore stay in PHP's thread.
    static WITH_CALLBACKS: RefCell<HashSet<usize>> = RefCell::default();
    /// The databases that another thread works on, and whether it is done. Those of coroutines that a fatal error has ended stay.
    static BUSY_ELSEWHERE: RefCell<HashMap<usize, Arc<AtomicBool>>> = RefCell::default();
}

/// Hooks SQLite in an extension: slow calls run in other threads. False if that is impossible.
pub fn hook_sqlite(library: &'static str) -> bool {
    let found = DATABASE_OF.find(c"sqlite3_db_handle")
        && IS_RUNNING.find(c"sqlite3_stmt_busy")
        && INTERRUPT.find(c"sqlite3_interrupt");
    found
        // Marks first: a database without a mark is used in other threads.
        && install(library, c"sqlite3_create_function", &CREATE_FUNCTION, create_function as *const ())
        && install(library, c"sqlite3_create_collation", &CREATE_COLLATION, create_collation as *const ())
        && install(library, c"sqlite3_set_authorizer", &SET_AUTHORIZER, set_authorizer as *const ())
        && install(library, c"sqlite3_reset", &RESET, reset as *const ())
        && install(library, c"sqlite3_finalize", &FINALIZE, finalize as *const ())
        && (install(library, c"sqlite3_close_v2", &CLOSE, close as *const ())
            || install(library, c"sqlite3_close", &CLOSE, close as *const ()))
        && install(library, c"sqlite3_step", &STEP, step as *const ())
        && install(library, c"sqlite3_exec", &EXEC, exec as *const ())
        && install(library, c"sqlite3_prepare_v2", &PREPARE, prepare as *const ())
        && install(library, c"sqlite3_open_v2", &OPEN, open as *const ())
}

/// Work that another thread does while its owner waits.
struct Lent<F>(F);

// SAFETY: the owner waits until the work is done and touches nothing of it meanwhile (`WaitHooks::offload`). SQLite allows
// calls of a connection in any thread, one at a time; Debian's and PHP's own builds also lock it themselves.
unsafe impl<F> Send for Lent<F> {}

impl<F: FnOnce() -> c_int> Lent<F> {
    fn run(self) -> c_int {
        (self.0)()
    }
}

/// Runs a call into a database, which a cancelled wait interrupts; in another thread unless the database calls PHP code.
fn in_database(hooks: &WaitHooks, database: *mut c_void, call: impl FnOnce() -> c_int) -> c_int {
    if !(hooks.enter)(database as usize) {
        return BUSY;
    }
    let result = if calls_php(database) { call() } else { elsewhere(hooks, database, call) };
    (hooks.leave)(database as usize);
    result
}

/// Set once work is done, or dropped because its thread has not begun it.
struct Done(Arc<AtomicBool>);

impl Drop for Done {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

/// Runs a call in another thread. A cancelled wait interrupts `database`, unless that is null.
fn elsewhere(hooks: &WaitHooks, database: *mut c_void, call: impl FnOnce() -> c_int) -> c_int {
    let is_done = Arc::new(AtomicBool::new(false));
    let lent: Box<dyn FnOnce() -> (isize, i32)> = {
        let (lent, done) = (Lent(call), Done(is_done.clone()));
        Box::new(move || {
            let result = (lent.run() as isize, errno());
            drop(done);
            result
        })
    };
    // SAFETY: `offload` returns only once the work is done, so that borrows of the caller stay valid for it; `Lent` states
    // why the work may be sent.
    let work: super::Work = unsafe { std::mem::transmute(lent) };
    let interrupt = || interrupt(database);
    BUSY_ELSEWHERE.with_borrow_mut(|all| all.insert(database as usize, is_done));
    let (result, code) = (hooks.offload)(work, Some(&interrupt));
    BUSY_ELSEWHERE.with_borrow_mut(|all| all.remove(&(database as usize)));
    set_errno(code);
    result as c_int
}

/// Outside of coroutines, such as at the end of a script that a fatal error has ended: ends the work of another thread on the
/// database and waits for it, because the caller is about to free what it uses.
fn interrupt_busy(database: *mut c_void) {
    if !thread::is_php_thread() {
        return;
    }
    let Some(is_done) = BUSY_ELSEWHERE.with_borrow_mut(|all| all.remove(&(database as usize))) else { return };
    while !is_done.load(Ordering::Acquire) {
        // Repeated, because work that has not begun does not notice.
        interrupt(database);
        std::thread::sleep(INTERRUPT_INTERVAL);
    }
}

fn interrupt(database: *mut c_void) {
    type Function = unsafe extern "C" fn(*mut c_void);
    if !database.is_null() {
        // SAFETY: sqlite3_interrupt may be called in any thread while the database is open, and a call that runs keeps it open,
        // as does a caller that is about to close it.
        unsafe { std::mem::transmute::<*mut c_void, Function>(INTERRUPT.get())(database) };
    }
}

/// Ends the work of other threads on databases, whose coroutines a process abandons.
pub fn interrupt_databases() {
    for database in BUSY_ELSEWHERE.with_borrow(|all| all.keys().copied().collect::<Vec<_>>()) {
        interrupt(database as *mut c_void);
    }
}

fn database_of(statement: *mut c_void) -> *mut c_void {
    type Function = unsafe extern "C" fn(*mut c_void) -> *mut c_void;
    // SAFETY: the address is that of the function with this signature, which accepts null and any open statement.
    unsafe { std::mem::transmute::<*mut c_void, Function>(DATABASE_OF.get())(statement) }
}

type OfOne = unsafe extern "C" fn(*mut c_void) -> c_int;

/// A call whose address `original` has, for `object`.
fn of_one(original: &Original, object: *mut c_void) -> c_int {
    // SAFETY: the callers pass functions with this signature, and the pointer that the extension gave them.
    unsafe { std::mem::transmute::<*mut c_void, OfOne>(original.get())(object) }
}

/// The first step of a statement does most of the work; the following rows are read in PHP's thread.
unsafe extern "C" fn step(statement: *mut c_void) -> c_int {
    match active(SQLITE) {
        Some(hooks) if of_one(&IS_RUNNING, statement) == 0 => {
            in_database(hooks, database_of(statement), || of_one(&STEP, statement))
        }
        Some(hooks) => alone(hooks, database_of(statement), BUSY, || of_one(&STEP, statement)),
        None => of_one(&STEP, statement),
    }
}

/// Runs a short call when no other coroutine uses the database.
fn alone<R>(hooks: &WaitHooks, database: *mut c_void, failure: R, call: impl FnOnce() -> R) -> R {
    if !(hooks.enter)(database as usize) {
        return failure;
    }
    let result = call();
    (hooks.leave)(database as usize);
    result
}

unsafe extern "C" fn exec(
    database: *mut c_void,
    sql: *const c_char,
    callback: *mut c_void,
    context: *mut c_void,
    error: *mut *mut c_char,
) -> c_int {
    type Function =
        unsafe extern "C" fn(*mut c_void, *const c_char, *mut c_void, *mut c_void, *mut *mut c_char) -> c_int;
    // SAFETY: the address is that of the function with this signature; passes the caller's arguments on.
    let call =
        || unsafe { std::mem::transmute::<*mut c_void, Function>(EXEC.get())(database, sql, callback, context, error) };
    match active(SQLITE) {
        Some(hooks) if callback.is_null() => in_database(hooks, database, call),
        Some(hooks) => alone(hooks, database, BUSY, call),
        None => call(),
    }
}

unsafe extern "C" fn prepare(
    database: *mut c_void,
    sql: *const c_char,
    length: c_int,
    statement: *mut *mut c_void,
    tail: *mut *const c_char,
) -> c_int {
    type Function =
        unsafe extern "C" fn(*mut c_void, *const c_char, c_int, *mut *mut c_void, *mut *const c_char) -> c_int;
    // SAFETY: the address is that of the function with this signature; passes the caller's arguments on.
    let call = || unsafe {
        std::mem::transmute::<*mut c_void, Function>(PREPARE.get())(database, sql, length, statement, tail)
    };
    active(SQLITE).map_or_else(call, |hooks| in_database(hooks, database, call))
}

unsafe extern "C" fn open(
    file: *const c_char,
    database: *mut *mut c_void,
    flags: c_int,
    system: *const c_char,
) -> c_int {
    type Function = unsafe extern "C" fn(*const c_char, *mut *mut c_void, c_int, *const c_char) -> c_int;
    // SAFETY: the address is that of the function with this signature; passes the caller's arguments on.
    let call = || unsafe { std::mem::transmute::<*mut c_void, Function>(OPEN.get())(file, database, flags, system) };
    let code = active(SQLITE).map_or_else(call, |hooks| elsewhere(hooks, null_mut(), call));
    // SAFETY: sqlite3_open_v2 stores a handle or null, even if it fails.
    let opened = unsafe { *database };
    // An earlier database may have had this address.
    WITH_CALLBACKS.with_borrow_mut(|all| all.remove(&(opened as usize)));
    code
}

unsafe extern "C" fn close(database: *mut c_void) -> c_int {
    let call = || of_one(&CLOSE, database);
    match active(SQLITE) {
        // No interrupt: a database that is being closed may be gone.
        Some(hooks) if (hooks.enter)(database as usize) => {
            let code = if calls_php(database) { call() } else { elsewhere(hooks, null_mut(), call) };
            (hooks.leave)(database as usize);
            code
        }
        _ => {
            interrupt_busy(database);
            call()
        }
    }
}

unsafe extern "C" fn reset(statement: *mut c_void) -> c_int {
    let call = || of_one(&RESET, statement);
    match active(SQLITE) {
        Some(hooks) => alone(hooks, database_of(statement), BUSY, call),
        None => {
            interrupt_busy(database_of(statement));
            call()
        }
    }
}

unsafe extern "C" fn finalize(statement: *mut c_void) -> c_int {
    let call = || of_one(&FINALIZE, statement);
    match active(SQLITE) {
        // A statement that is not finalised would keep its database open.
        Some(hooks) if !statement.is_null() && (hooks.enter)(database_of(statement) as usize) => {
            let database = database_of(statement);
            let code = call();
            (hooks.leave)(database as usize);
            code
        }
        _ => {
            interrupt_busy(database_of(statement));
            call()
        }
    }
}

/// Whether the database may call PHP code.
fn calls_php(database: *mut c_void) -> bool {
    WITH_CALLBACKS.with_borrow(|all| all.contains(&(database as usize)))
}

/// Notes that the database calls PHP code.
fn mark(database: *mut c_void) {
    WITH_CALLBACKS.with_borrow_mut(|all| all.insert(database as usize));
}

unsafe extern "C" fn create_function(
    database: *mut c_void,
    name: *const c_char,
    arguments: c_int,
    encoding: c_int,
    context: *mut c_void,
    call: *mut c_void,
    step: *mut c_void,
    last: *mut c_void,
) -> c_int {
    type Pointer = *mut c_void;
    type Function =
        unsafe extern "C" fn(Pointer, *const c_char, c_int, c_int, Pointer, Pointer, Pointer, Pointer) -> c_int;
    mark(database);
    // SAFETY: the address is that of the function with this signature; passes the caller's arguments on.
    unsafe {
        let original = std::mem::transmute::<*mut c_void, Function>(CREATE_FUNCTION.get());
        original(database, name, arguments, encoding, context, call, step, last)
    }
}

unsafe extern "C" fn create_collation(
    database: *mut c_void,
    name: *const c_char,
    encoding: c_int,
    context: *mut c_void,
    compare: *mut c_void,
) -> c_int {
    type Function = unsafe extern "C" fn(*mut c_void, *const c_char, c_int, *mut c_void, *mut c_void) -> c_int;
    mark(database);
    // SAFETY: the address is that of the function with this signature; passes the caller's arguments on.
    unsafe {
        std::mem::transmute::<*mut c_void, Function>(CREATE_COLLATION.get())(database, name, encoding, context, compare)
    }
}

unsafe extern "C" fn set_authorizer(database: *mut c_void, authorizer: *mut c_void, context: *mut c_void) -> c_int {
    type Function = unsafe extern "C" fn(*mut c_void, *mut c_void, *mut c_void) -> c_int;
    if !authorizer.is_null() {
        mark(database);
    }
    // SAFETY: the address is that of the function with this signature; passes the caller's arguments on.
    unsafe { std::mem::transmute::<*mut c_void, Function>(SET_AUTHORIZER.get())(database, authorizer, context) }
}
