//! The part of PHP's executor state that belongs to one flow of execution, swapped at each stack switch.
//!
//! Invariant: while a body runs, PHP's globals hold its state and [`VmState`] holds its resumer's; while it is suspended,
//! [`VmState`] holds the body's. Every switch therefore goes through exactly one of `begin`, `resume`, `suspend` and the
//! end of `run`. Swapped are: the VM stack, the current frame, the bailout point, the fiber, the pending exception, error
//! reporting, open output buffers, the comparison function of a running sort, serialisation state, and (since PHP 8.3) the
//! bounds of the native stack.

use super::{Object, Raised, Zval, ffi};
use std::cell::UnsafeCell;
use std::ffi::{c_char, c_void};

/// The executor state of one coroutine. PHP points into it from `begin` on, so it must not move until it is dropped.
pub struct VmState(UnsafeCell<ffi::swoosh_vm>);

impl VmState {
    /// A state without a body, for a native stack that grows from `base` down to `end`.
    pub(crate) fn new(base: usize, end: usize) -> Self {
        // SAFETY: `swoosh_vm` is plain C data; all-zero means that it has no VM stack page and nothing saved.
        let mut state: ffi::swoosh_vm = unsafe { std::mem::zeroed() };
        state.stack_base = base as *mut c_char;
        state.stack_end = end as *mut c_char;
        VmState(UnsafeCell::new(state))
    }

    /// Saves the resumer's state before the first switch to a new body.
    ///
    /// # Safety
    /// No body is running or suspended on this state, and the caller next switches to the stack on which
    /// [`run`](Self::run) is called.
    #[inline]
    pub(crate) unsafe fn begin(&self) {
        // SAFETY: the C function only accesses this struct and PHP's globals; its preconditions are those of this function.
        unsafe { ffi::swoosh_vm_begin(self.0.get()) }
    }

    /// Saves the resumer's state and restores that of the suspended body.
    ///
    /// # Safety
    /// A body is suspended on this state, and the caller next switches to its stack.
    #[inline]
    pub(crate) unsafe fn resume(&self) {
        // SAFETY: the C function only accesses this struct and PHP's globals; its preconditions are those of this function.
        unsafe { ffi::swoosh_vm_resume(self.0.get()) }
    }

    /// Saves the body's state and restores the resumer's.
    ///
    /// # Safety
    /// The caller is the body that runs on this state, and next switches to its resumer's stack.
    #[inline]
    pub(crate) unsafe fn suspend(&self) {
        // SAFETY: the C function only accesses this struct and PHP's globals; its preconditions are those of this function.
        unsafe { ffi::swoosh_vm_suspend(self.0.get()) }
    }

    /// Runs a body on a VM stack of its own, then restores the resumer's state. Returns whether a fatal error ended it.
    ///
    /// # Safety
    /// Called on the native stack that belongs to this state, after [`begin`](Self::begin).
    #[inline]
    pub(crate) unsafe fn run(&self, body: fn()) -> bool {
        unsafe extern "C" fn call(context: *mut c_void) {
            // SAFETY: `run` passes a pointer to its local `body`, which outlives this call.
            let body = unsafe { *context.cast::<fn()>() };
            body();
        }
        let mut body = body;
        // SAFETY: `call` expects a pointer to a `fn()`, which `body` is; the other preconditions are those of this function.
        unsafe { ffi::swoosh_vm_run(self.0.get(), Some(call), (&raw mut body).cast::<c_void>()) }
    }

    /// The backtrace of the suspended body, or with `of_resumer` that of the code that resumed the running body. `options`
    /// and `limit` are those of `debug_backtrace()`.
    pub fn backtrace(&self, of_resumer: bool, options: i64, limit: i64) -> Zval {
        let mut result = Zval::null();
        // SAFETY: the frames of suspended code stay alive until it is resumed, which cannot happen during the call.
        unsafe {
            ffi::swoosh_vm_backtrace(self.0.get(), of_resumer, result.as_mut_ptr(), options as i32, limit as i32);
        }
        result
    }
}

impl Drop for VmState {
    fn drop(&mut self) {
        // SAFETY: `&mut self` excludes other users, and the C function frees only the cached VM stack page. The owner (see
        // `stack`) drops this only when no body is suspended, or leaks the native stack that still refers to it.
        unsafe { ffi::swoosh_vm_free(self.0.get()) }
    }
}

/// The backtrace of the running code. `options` and `limit` are those of `debug_backtrace()`.
pub fn backtrace(options: i64, limit: i64) -> Zval {
    let mut result = Zval::null();
    // SAFETY: reads the live frames of the running code and writes to `result`, a valid zval.
    unsafe { ffi::swoosh_backtrace(result.as_mut_ptr(), options as i32, limit as i32) };
    result
}

/// Formats a backtrace like `debug_print_backtrace`.
pub fn trace_as_text(trace: &Zval) -> String {
    let mut text = String::new();
    for (at, (_, frame)) in trace.array().into_iter().flatten().enumerate() {
        let Some(frame) = frame.array() else { continue };
        let part = |name: &str| frame.get(name).and_then(Zval::to_zstr).map(|s| s.to_text().into_owned());
        let place = match (part("file"), part("line")) {
            (Some(file), Some(line)) => format!("{file}({line})"),
            _ => "[internal function]".to_owned(),
        };
        let owner = part("class").map_or(String::new(), |class| class + &part("type").unwrap_or_default());
        text.push_str(&format!("#{at} {place}: {owner}{}()\n", part("function").unwrap_or_default()));
    }
    text
}

/// The exception or exit with which the body of a coroutine ended.
pub enum PendingException {
    /// Nothing is pending.
    None,
    /// The exception; it is no longer pending.
    Exception(Object),
    /// `exit`; it is no longer pending.
    Exit,
}

/// Takes the pending exception out of PHP's globals.
#[inline]
pub fn take_pending_exception() -> PendingException {
    if !super::error::has_exception() {
        return PendingException::None;
    }
    let mut exits = false;
    // SAFETY: runs in PHP's thread; the C function returns NULL or an object with a reference of its own.
    let exception = unsafe { ffi::swoosh_take_pending_exception(&mut exits) };
    match std::ptr::NonNull::new(exception) {
        Some(exception) => PendingException::Exception(Object(exception)),
        None => PendingException::Exit,
    }
}

/// Reports an exception that no frame can catch as PHP's fatal "Uncaught" error and sets exit status 255. Does not call
/// the user's exception handler.
#[cold]
pub fn report_uncaught(exception: Object) -> Raised {
    let raw = exception.into_raw();
    let _ = super::callable::guarded(|| {
        // SAFETY: `raw` is a live object whose reference PHP takes over; the guard stops the fatal error's jump.
        unsafe { ffi::swoosh_report_exception(raw) }
    });
    Raised::Bailout
}

/// Starts unwinding every frame of the running coroutine: `finally` blocks run, `catch` blocks do not.
pub fn throw_graceful_exit() -> Raised {
    // SAFETY: PHP requires a current frame to throw from; callers are inside a PHP function call.
    unsafe { ffi::swoosh_throw_graceful_exit() };
    Raised::Exit
}

/// Throws an exit on the resumer's stack, to propagate one that ended a coroutine.
pub fn rethrow_exit() -> Raised {
    // SAFETY: PHP requires a current frame to throw from; callers are inside a PHP function call.
    unsafe { ffi::zend_throw_unwind_exit() };
    Raised::Exit
}

/// Calls `handler` with the argument of each `exit`. If it returns `true` it has thrown an exception and the `exit` is
/// cancelled. Call once, during module startup.
pub fn set_exit_handler(handler: fn(&Zval) -> bool) {
    static HANDLER: std::sync::OnceLock<fn(&Zval) -> bool> = std::sync::OnceLock::new();
    unsafe extern "C" fn call(status: *mut ffi::zval) -> bool {
        let Some(handler) = HANDLER.get() else { return false };
        // SAFETY: the C side passes a valid zval of the running frame, or of its own stack, that outlives the call.
        let status = unsafe { Zval::from_ptr(status) }.clone();
        std::panic::catch_unwind(|| handler(&status)).unwrap_or(false)
    }
    let _ = HANDLER.set(handler);
    // SAFETY: stores a function pointer and replaces the handler of an opcode or of functions, which PHP permits during module
    // startup.
    unsafe { ffi::swoosh_set_exit_handler(Some(call)) }
}
