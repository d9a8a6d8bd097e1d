//! Processes that user code forks (`pcntl_fork`, `Swoole\Process`) in a callback of a server or a pool.
//!
//! Invariant: the engine's loop, whose frames lie below a callback, never continues in a forked child. Each call of user
//! code from the engine passes its result to [`ForkGuard::leave_if_child`], which does not return in a child: the child runs
//! what it has started in a loop of its own and then ends like a script. A child that is forked outside of callbacks needs
//! none of this.

use super::event_loop;
use std::cell::Cell;
use std::sync::OnceLock;
use swoosh::sys::signal;
use swoosh_zend::error::raise_uncaught;
use swoosh_zend::{PhpResult, runtime, thread};

/// Remembers the process in which a loop of the engine runs.
#[derive(Debug, Default)]
pub struct ForkGuard {
    /// See [`runtime::generation`].
    generation: Cell<u32>,
}

impl ForkGuard {
    /// Records the current process as the one that runs the loop.
    pub fn arm(&self) {
        self.generation.set(runtime::generation());
    }

    /// Whether this process was forked from the one that runs the loop.
    #[inline]
    pub fn is_child(&self) -> bool {
        self.generation.get() != runtime::generation()
    }

    /// Passes the result of user code through. In a forked child it does not return: the child finishes and exits.
    #[inline]
    pub fn leave_if_child<T>(&self, result: PhpResult<T>) -> PhpResult<T> {
        if self.is_child() {
            finish_child(result.map(drop));
        }
        result
    }
}

/// Runs the child's own loop and then its script end.
#[cold]
fn finish_child(result: PhpResult<()>) -> ! {
    let ended = result.and_then(|()| event_loop::run_at_end()).map_err(raise_uncaught);
    if ended.is_err() {
        event_loop::shut_down();
    }
    runtime::end_script(0)
}

/// Prepares a process that user code has just forked: restores signal dispositions and detaches it from the server.
pub fn begin() {
    // Forks of other threads only execute another program.
    if thread::is_php_thread() {
        signal::reset_after_fork();
        if let Some(detach) = DETACH.get() {
            detach();
        }
    }
}

/// Registers the function that detaches a forked child from the server of its parent. Call once, during module startup.
/// It runs inside fork(2), so it must neither take a lock nor panic.
pub fn on_child(detach: fn()) {
    let _ = DETACH.set(detach);
}

static DETACH: OnceLock<fn()> = OnceLock::new();
