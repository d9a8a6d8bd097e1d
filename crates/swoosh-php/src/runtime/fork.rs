//! Processes that user code forks, by `pcntl_fork` or a `Process`, in a callback of a server or a pool.
//!
//! The rule it protects: what lies below a callback is the parent's loop, which never runs on in a child. Whoever calls
//! user code for the engine gives what that left to [`ForkGuard::back`], where a child stays: what it has begun runs on in a loop
//! of its own, and then it ends as a script ends. A child that user code forks outside of callbacks needs none of this.

use super::event_loop;
use std::cell::Cell;
use std::sync::OnceLock;
use swoosh::sys::signal;
use swoosh_zend::error::raise_uncaught;
use swoosh_zend::{PhpResult, runtime, thread};

/// The process that a loop of the engine runs in.
#[derive(Debug, Default)]
pub struct ForkGuard {
    /// See [`runtime::generation`].
    generation: Cell<u32>,
}

impl ForkGuard {
    /// It is this one.
    pub fn arm(&self) {
        self.generation.set(runtime::generation());
    }

    /// Whether this is another one, which user code has forked there.
    #[inline]
    pub fn is_child(&self) -> bool {
        self.generation.get() != runtime::generation()
    }

    /// User code that the loop has called is done for now, with this result. Does not return in a child.
    #[inline]
    pub fn leave_if_child<T>(&self, result: PhpResult<T>) -> PhpResult<T> {
        if self.is_child() {
            finish_child(result.map(drop));
        }
        result
    }
}

/// The life of a child from the end of its callback on, or from where that first waits.
#[cold]
fn finish_child(result: PhpResult<()>) -> ! {
    let ended = result.and_then(|()| event_loop::run_at_end()).map_err(raise_uncaught);
    if ended.is_err() {
        event_loop::shut_down();
    }
    runtime::end_script(0)
}

/// This process was just forked by user code: signals do what they do in any new program, and it is no process of the server.
pub fn begin() {
    // A fork of another thread's is to execute a program.
    if thread::is_php_thread() {
        signal::start_over();
        if let Some(detach) = DETACH.get() {
            detach();
        }
    }
}

/// Registers what takes a child out of the server that its parent belongs to. Once, when the module starts; it is called
/// inside fork(2), so it must neither wait for a lock nor panic.
pub fn on_child(detach: fn()) {
    let _ = DETACH.set(detach);
}

static DETACH: OnceLock<fn()> = OnceLock::new();
