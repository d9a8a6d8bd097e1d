//! Implements the event loop's [`Scheduler`] interface.

use super::create::create;
use super::options::{Options, options};
use super::scheduler::{current_id, with};
use super::switch::wake_from;
use super::types::Job;
use super::{introspection, shutdown, timers};
use crate::runtime::scheduler::{Callback, LoopEnd, Scheduler, install};
use std::cell::Cell;
use std::time::Duration;
use swoosh_zend::PhpResult;
use swoosh_zend::error::raise_uncaught;

thread_local! {
    /// The id of the newest coroutine when a deadlock was last reported.
    static REPORTED: Cell<u64> = const { Cell::new(0) };
}

struct Coroutines;

/// Registers the scheduler and the `exit` handler during module startup.
pub fn start_up() {
    install(&Coroutines);
    crate::runtime::script_end::install(crate::runtime::event_loop::renew);
    shutdown::start_up();
}

impl Scheduler for Coroutines {
    fn spawn(&self, callback: Callback) -> PhpResult<()> {
        let job = match callback {
            Callback::Closure(closure, args) => Job::Closure(closure, args),
            Callback::Native(run) => Job::Native(run),
        };
        create(job).map(drop)
    }

    fn wake(&self, id: u64, wait: u32) -> PhpResult<()> {
        wake_from(id, wait)
    }

    fn run_due(&self, until: Option<u64>) -> PhpResult<()> {
        timers::run_due(until)
    }

    fn pending_waits(&self) -> usize {
        timers::pending_waits()
    }

    fn external_waits(&self) -> usize {
        timers::external_waits()
    }

    fn sleep_limit(&self) -> Option<Duration> {
        let trim = with(|s| s.stacks.trim());
        [timers::sleep_limit(), trim].into_iter().flatten().min()
    }

    fn count(&self) -> usize {
        introspection::count()
    }

    fn newest(&self) -> u64 {
        introspection::last_id()
    }

    fn newest_alive(&self) -> u64 {
        introspection::ids().last().copied().unwrap_or(0)
    }

    fn forget_all(&self) {
        shutdown::forget_all();
    }

    fn in_coroutine(&self) -> bool {
        current_id().is_some()
    }

    fn end_all(&self) -> PhpResult<()> {
        shutdown::end_all(true)
    }

    fn loop_end(&self) -> PhpResult<LoopEnd> {
        match options(Options::exit_condition) {
            Some(condition) => {
                let may_end = condition.call(&mut []).map_err(raise_uncaught)?.to_bool();
                Ok(if may_end { LoopEnd::Now } else { LoopEnd::AskAgain })
            }
            None => Ok(LoopEnd::WithoutSignals { wait_signal: options(Options::wait_signal) }),
        }
    }

    fn report_deadlock(&self) -> PhpResult<()> {
        // `Event::wait` and the end of the script both find the same coroutines, which are reported once.
        let newest = introspection::last_id();
        if options(Options::deadlock_check) && REPORTED.replace(newest) != newest {
            shutdown::report_deadlock()
        } else {
            Ok(())
        }
    }
}
