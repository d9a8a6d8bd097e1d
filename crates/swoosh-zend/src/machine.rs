//! PHP's virtual machine as a coroutine has one of its own, and what else of PHP's state goes with it.
//!
//! Everything that is PHP's and belongs to one line of execution is taken along at a switch: VM stack, running frame,
//! bailout point, fiber, exception, error reporting, open output buffers, a sort's comparison, serialisation.

use super::{Object, PhpResult, Raised, Zval, ffi};
use std::cell::UnsafeCell;
use std::ffi::c_void;

/// One virtual machine. It must not move once it has begun.
pub struct Machine(UnsafeCell<ffi::swoosh_machine>);

impl Machine {
    /// One that runs nothing.
    #[allow(clippy::new_without_default)]
    pub fn new() -> Self {
        // SAFETY: plain data, for which all zeros say that nothing is kept.
        Machine(UnsafeCell::new(unsafe { std::mem::zeroed() }))
    }

    /// The last thing before control goes to a new body.
    ///
    /// # Safety
    /// Control goes to the stack on which [`run`](Self::run) is called next, and this machine is idle.
    #[inline]
    pub(crate) unsafe fn begin(&self) {
        // SAFETY: the caller's promise.
        unsafe { ffi::swoosh_machine_begin(self.0.get()) }
    }

    /// The last thing before control goes back to a body that waits.
    ///
    /// # Safety
    /// Control goes to the stack of that body next, which waits.
    #[inline]
    pub(crate) unsafe fn resume(&self) {
        // SAFETY: the caller's promise.
        unsafe { ffi::swoosh_machine_resume(self.0.get()) }
    }

    /// The last thing before a body gives control back to wait.
    ///
    /// # Safety
    /// Called by the body that runs on this machine; control goes to its resumer's stack next.
    #[inline]
    pub(crate) unsafe fn suspend(&self) {
        // SAFETY: the caller's promise.
        unsafe { ffi::swoosh_machine_suspend(self.0.get()) }
    }

    /// Runs a body; true if a fatal error came through. The resumer's state is back afterwards.
    ///
    /// # Safety
    /// Called on a stack of the machine's own, to which control came after [`begin`](Self::begin).
    #[inline]
    pub(crate) unsafe fn run(&self, body: fn()) -> bool {
        unsafe extern "C" fn call(context: *mut c_void) {
            // SAFETY: the context is the `fn()` below, on a frame that outlives this one.
            let body = unsafe { *context.cast::<fn()>() };
            body();
        }
        let mut body = body;
        // SAFETY: the caller's promise; `call` is given the context it expects.
        unsafe { ffi::swoosh_machine_run(self.0.get(), Some(call), (&raw mut body).cast::<c_void>()) }
    }

    /// The backtrace of the body that waits on this machine; `of_resumer`: of whoever resumed the one that runs on it.
    pub fn backtrace(&self, of_resumer: bool, options: i64, limit: i64) -> Zval {
        let mut result = Zval::null();
        // SAFETY: the frames of a body that waits, or has resumed another, are alive, and are only read.
        unsafe {
            ffi::swoosh_machine_backtrace(self.0.get(), of_resumer, result.as_mut_ptr(), options as i32, limit as i32);
        }
        result
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        // SAFETY: whoever drops it runs nothing on it any more.
        unsafe { ffi::swoosh_machine_free(self.0.get()) }
    }
}

/// The backtrace of what runs now.
pub fn backtrace(options: i64, limit: i64) -> Zval {
    let mut result = Zval::null();
    // SAFETY: reads the frames of what runs now.
    unsafe { ffi::swoosh_backtrace(result.as_mut_ptr(), options as i32, limit as i32) };
    result
}

/// An exception that left a coroutine, or the exit that did.
pub enum Left {
    /// Nothing is pending.
    Nothing,
    /// The exception, which is not pending any more.
    Exception(Object),
    /// An exit.
    Exit,
}

/// Takes the pending exception.
#[inline]
pub fn take_exception() -> Left {
    // SAFETY: the globals are this one thread's.
    if unsafe { ffi::executor_globals.exception.is_null() } {
        return Left::Nothing;
    }
    let mut exits = false;
    // SAFETY: as above; an exception comes with a count of its own.
    unsafe {
        let exception = ffi::swoosh_take_exception(&mut exits);
        match std::ptr::NonNull::new(exception) {
            Some(exception) => Left::Exception(Object(exception)),
            None => Left::Exit,
        }
    }
}

/// Tells PHP of an exception that nobody can catch any more: its fatal `Uncaught`. The process is to end with 255. The
/// user's exception handler is not asked.
#[cold]
pub fn report_uncaught(exception: Object) -> Raised {
    let raw = exception.into_raw();
    let _ = super::callable::guarded(|| {
        // SAFETY: PHP takes the count over.
        unsafe { ffi::swoosh_report_exception(raw) }
    });
    Raised::Bailout
}

/// Begins to leave every frame of this coroutine: `finally` blocks run, nobody can catch it.
pub fn throw_graceful_exit() -> Raised {
    // SAFETY: called by a running function.
    unsafe { ffi::swoosh_throw_graceful_exit() };
    Raised::Exit
}

/// Goes on with an exit that left a coroutine.
pub fn throw_exit() -> Raised {
    // SAFETY: called by a running function.
    unsafe { ffi::zend_throw_unwind_exit() };
    Raised::Exit
}

/// Ends the output buffers that a coroutine left open.
#[inline]
pub fn end_output() {
    // SAFETY: it may run PHP code, under the guard of the coroutine.
    unsafe { ffi::swoosh_end_output() }
}

/// Writes to PHP's output.
pub fn write(bytes: &[u8]) -> PhpResult<()> {
    super::callable::guarded(|| {
        // SAFETY: the bytes of one slice, which is held outside of the guard.
        unsafe { ffi::swoosh_write(bytes.as_ptr().cast(), bytes.len()) }
    })
}

/// Asks `hook` at each `exit`, with what it was given: it throws and says true where the exit is none.
pub fn watch_exit(hook: fn(&Zval) -> bool) {
    static HOOK: std::sync::OnceLock<fn(&Zval) -> bool> = std::sync::OnceLock::new();
    unsafe extern "C" fn call(status: *mut ffi::zval) -> bool {
        let Some(hook) = HOOK.get() else { return false };
        // SAFETY: PHP hands in a value of the running frame.
        let status = unsafe { Zval::from_ptr(status) }.clone();
        std::panic::catch_unwind(|| hook(&status)).unwrap_or(false)
    }
    let _ = HOOK.set(hook);
    // SAFETY: called while the module starts.
    unsafe { ffi::swoosh_watch_exit(Some(call)) }
}

/// Calls `hook` between two instructions of PHP code, soon after [`interrupt`].
pub fn watch_interrupt(hook: fn()) {
    static HOOK: std::sync::OnceLock<fn()> = std::sync::OnceLock::new();
    unsafe extern "C" fn call() {
        if let Some(hook) = HOOK.get() {
            let _ = std::panic::catch_unwind(hook);
        }
    }
    let _ = HOOK.set(hook);
    // SAFETY: called while the module starts.
    unsafe { ffi::swoosh_watch_interrupt(Some(call)) }
}

/// As [`interrupt`], from a signal's handler.
pub extern "C" fn interrupt_at_signal() {
    interrupt();
}

/// Asks for the hook of [`watch_interrupt`]. From any thread.
pub fn interrupt() {
    // SAFETY: stores into two atomics that live as long as the process.
    unsafe { ffi::swoosh_interrupt() }
}
