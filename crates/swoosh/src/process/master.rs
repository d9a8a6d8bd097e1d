//! The master: accepts connections, owns the reactor threads, and ends the server in order.
//!
//! Runs in: the process that called `start` (process mode). Its main thread accepts; the only user code there is `start`,
//! `before_shutdown`, `shutdown` and their timers.

use super::End;
use super::end_signals::asks_to_end;
use super::reactor::{self, Handle, ReactorCommand};
use super::service_reporter::ServiceReporter;
use crate::conn::connection::Connection;
use crate::conn::owner::{ConnectionObserver, Owner, ReadAction};
use crate::context::Context;
use crate::error::Result;
use crate::handler::Stop;
use crate::proto::http1::head_index::IndexEntry;
use crate::runtime::{self, ThreadRuntime};
use crate::state::{ServerPhase, ServerState};
use crate::sys::signal::Signals;
use crate::sys::temp_file::TempFile;
use crate::sys::{clock, process};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

/// Serves until the server ends. `manager`: process id of the manager, which is running.
pub(super) fn run(context: &Context, manager: i32) -> Result<End> {
    let state = context.state();
    let signals = Signals::install(
        &[libc::SIGTERM, libc::SIGINT, libc::SIGQUIT, libc::SIGUSR1, libc::SIGUSR2, libc::SIGCHLD, libc::SIGRTMIN()],
        &[libc::SIGPIPE, libc::SIGXFSZ],
    )?;
    let here: Rc<RefCell<Option<Rc<reactor::Reactor>>>> = Rc::default();
    let accepting_failed: Rc<Cell<bool>> = Rc::default();
    let (before, after) = (here.clone(), here.clone());
    let before_sleep = move || {
        if let Some(reactor) = &*before.borrow() {
            reactor.before_sleep();
        }
    };
    let after_sleep = move || {
        if let Some(reactor) = &*after.borrow() {
            reactor.after_sleep();
        }
    };
    let runtime = runtime::for_this_thread(before_sleep, after_sleep)?;
    context.executor().set_handle(runtime.handle().clone());
    let reactors = if state.config().single_thread {
        let (handle, reactor) = runtime.block_on(async { reactor::start_here(state, 0) });
        *here.borrow_mut() = Some(reactor);
        vec![handle]
    } else {
        (0..state.reactors().len() as u32).map(|id| reactor::start_thread(state, id)).collect::<Result<_>>()?
    };
    if !state.config().single_thread {
        let failed = accepting_failed.clone();
        runtime::on_task_panic(move || {
            failed.set(true);
            process::kill(process::pid(), libc::SIGCHLD);
        });
    }
    let mut master = Master {
        accepting_failed,
        context: context.clone(),
        signals,
        runtime,
        reactors: Rc::new(RefCell::new(reactors)),
        reporter: ServiceReporter::new(state),
        manager,
    };
    master.accept();
    state.enter(ServerPhase::Running);
    let flow = master.serve();
    let code = master.end(flow.err());
    Ok(code)
}

struct Master {
    context: Context,
    signals: Signals,
    runtime: ThreadRuntime,
    reactors: Rc<RefCell<Vec<Handle>>>,
    reporter: ServiceReporter,
    /// A task that accepts connections has panicked.
    accepting_failed: Rc<Cell<bool>>,
    /// Its process id, 0 once it has ended.
    manager: i32,
}

impl Master {
    /// Starts to accept on every port.
    fn accept(&self) {
        let state = self.context.state();
        let acceptor = Owner::new(state, 0, Rc::new(NoConnections));
        for port in state.ports().iter().filter(|p| p.kind().is_stream()) {
            let (reactors, to) = (self.reactors.clone(), port.clone());
            let place = move |socket, peer| {
                let all = reactors.borrow();
                // The thread with the fewest connections gets the new one.
                let load = |r: &&Handle| state.reactor_slot(r.id()).connections.load(Relaxed);
                if let Some(reactor) = all.iter().min_by_key(load) {
                    reactor.send(ReactorCommand::Adopt(socket, peer, to.clone()));
                }
                None
            };
            let _in_runtime = self.runtime.enter();
            runtime::spawn(acceptor.clone().accept_from(port.clone(), place));
        }
    }

    fn serve(&mut self) -> std::result::Result<(), Stop> {
        let context = self.context.clone();
        context.handler().start(&context)?;
        loop {
            let arrived = self.signals.take();
            if asks_to_end(arrived) || context.is_stopping() {
                return Ok(());
            }
            for signal in [libc::SIGUSR1, libc::SIGUSR2] {
                if arrived.contains(signal) {
                    process::kill(self.manager, signal);
                }
            }
            if arrived.contains(libc::SIGRTMIN()) {
                let _ = crate::log::reopen().inspect_err(|e| crate::log::error!("{e}"));
                process::kill(self.manager, libc::SIGRTMIN());
            }
            if arrived.contains(libc::SIGCHLD) && self.manager_has_ended() {
                crate::log::error!("the manager process has ended: the server ends");
                return Err(Stop { code: 255 });
            }
            if self.accepting_failed.get() {
                crate::log::error!("the master accepts no more connections: the server ends");
                return Err(Stop { code: 255 });
            }
            if let Some(id) = self.reactors.borrow().iter().find(|r| r.has_failed()).map(Handle::id) {
                crate::log::error!("reactor {id} has ended unasked: the server ends");
                return Err(Stop { code: 255 });
            }
            context.handler().tick(&context)?;
            context.run_due_timers();
            self.reporter.report();
            self.sleep();
        }
    }

    fn manager_has_ended(&mut self) -> bool {
        if self.manager != 0 && process::try_wait(self.manager).is_some() {
            self.manager = 0;
        }
        self.manager == 0
    }

    fn sleep(&self) {
        let timer = self.context.timers().next_delay();
        let report = self.reporter.next_delay();
        let limit = [timer, self.context.handler().sleep_limit(), report].into_iter().flatten().min();
        let wake = self.context.lifecycle().wake().clone();
        let handler = self.context.handler();
        self.runtime.block_on(async {
            let Ok(event_fd) = runtime::watch(self.signals.event_fd()) else { return };
            let timer = async {
                match limit {
                    Some(limit) => self.runtime.sleep(limit).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = runtime::notified(&event_fd) => {}
                () = wake.raised() => {}
                () = std::future::poll_fn(|cx| handler.poll_ready(cx)) => {}
                () = timer => {}
            }
        });
    }

    /// Ends the server: no connection is accepted, requests in flight are finished, then everything is closed.
    fn end(&mut self, fault: Option<Stop>) -> End {
        let context = self.context.clone();
        let state = context.state();
        let mut code = fault.map_or(0, |stop| stop.code);
        if fault.is_none()
            && let Err(stop) = context.handler().before_shutdown(&context)
        {
            code = stop.code;
        }
        state.enter(ServerPhase::Ending);
        self.reporter.report();
        crate::net::stop_listening(state.ports());
        self.reactors.borrow().iter().for_each(|r| r.send(ReactorCommand::Quiesce));
        if self.manager == 0 {
            self.end_workers(state);
        } else {
            process::kill(self.manager, libc::SIGTERM);
            self.wait_for_manager();
        }
        state.enter(ServerPhase::Ended);
        self.reactors.borrow().iter().for_each(|r| r.send(ReactorCommand::End));
        let mut reactors = self.reactors.take();
        reactors.iter_mut().for_each(|reactor| reactor.join(&self.runtime));
        if code == 0 {
            match context.handler().shutdown(&context) {
                Ok(()) => return End::Head,
                Err(stop) => code = stop.code,
            }
        }
        End::Forked { code, fatal: true }
    }

    fn wait_for_manager(&mut self) {
        let timeout = self.context.state().config().max_wait_time + MANAGER_MARGIN;
        let deadline = clock::monotonic_ms() + timeout.as_millis() as u64;
        while !self.manager_has_ended() {
            if clock::monotonic_ms() > deadline {
                crate::log::error!("the manager did not end in time: killed");
                process::kill(self.manager, libc::SIGKILL);
            }
            self.reporter.report();
            // Meanwhile the reactors carry out commands of workers, in their threads or here.
            self.runtime.block_on(async { tokio::time::sleep(Duration::from_millis(2)).await });
        }
    }

    /// Ends the workers in place of a manager that has died.
    fn end_workers(&self, state: &'static ServerState) {
        let pids = || state.workers().iter().map(|w| w.pid.load(Relaxed)).filter(|pid| *pid > 0);
        for pid in pids() {
            process::kill(pid, libc::SIGTERM);
        }
        let deadline = clock::monotonic_ms() + state.config().max_wait_time.as_millis() as u64;
        while pids().any(process::is_alive) && clock::monotonic_ms() < deadline {
            self.runtime.block_on(async { tokio::time::sleep(Duration::from_millis(5)).await });
        }
        for pid in pids().filter(|pid| process::is_alive(*pid)) {
            crate::log::warn!(
                "process {pid} did not end within max_wait_time: killed; raise max_wait_time if its requests take longer"
            );
            process::kill(pid, libc::SIGKILL);
        }
    }
}

/// The observer of the accepting thread, which passes every connection to a reactor.
struct NoConnections;

impl ConnectionObserver for NoConnections {
    fn connect(&self, _: &Rc<Owner>, _: &Rc<Connection>) -> ReadAction {
        ReadAction::Continue
    }
    fn packet(&self, _: &Rc<Owner>, _: &Rc<Connection>, _: &[u8], _: &[IndexEntry]) -> ReadAction {
        ReadAction::Continue
    }
    fn stored_packet(&self, _: &Rc<Owner>, _: &Rc<Connection>, _: Vec<u8>, _: TempFile) -> ReadAction {
        ReadAction::Continue
    }
    fn close(&self, owner: &Rc<Owner>, conn: &Rc<Connection>) {
        owner.finish(conn, true);
    }
    fn watermark(&self, _: &Rc<Owner>, _: &Rc<Connection>, _: bool) {}
}

/// How much longer than the workers the manager may take to end.
const MANAGER_MARGIN: Duration = Duration::from_millis(1500);
