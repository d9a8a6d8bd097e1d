//! The master: accepts connections, owns the reactor threads, and ends the server in order.
//!
//! Runs in: the process that called `start` (process mode). Its main thread accepts; user code there is only
//! `start`, `before_shutdown`, `shutdown` and what their timers run.

use crate::conn::connection::Connection;
use crate::conn::owner::{ConnectionObserver, Owner, Verdict};
use crate::error::Result;
use crate::handler::Stop;
use crate::node::Node;
use crate::process::End;
use crate::process::reactor::{self, Handle, ReactorCommand};
use crate::process::worker::run_timers;
use crate::runtime::{self, ThreadRuntime};
use crate::state::{ServerPhase, ServerState};
use crate::sys::signal::Signals;
use crate::sys::temp_file::TempFile;
use crate::sys::{clock, process};
use send_wrapper::SendWrapper;
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

/// Serves until the server ends; the manager, `manager`, is running.
pub fn run(node: &Node, manager: i32) -> Result<End> {
    let state = node.state();
    let signals = Signals::install(
        &[libc::SIGTERM, libc::SIGINT, libc::SIGUSR1, libc::SIGUSR2, libc::SIGCHLD, libc::SIGRTMIN()],
        &[libc::SIGPIPE, libc::SIGXFSZ],
    )?;
    let here: Rc<RefCell<Option<Rc<reactor::Reactor>>>> = Rc::default();
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
    let _ = node.0.runtime.set(runtime.handle().clone());
    let reactors = if state.config.single_thread {
        let (handle, reactor) = runtime.block_on(async { reactor::start_here(state, 0) });
        *here.borrow_mut() = Some(reactor);
        vec![handle]
    } else {
        (0..state.reactors.len() as u32).map(|id| reactor::start_thread(state, id)).collect::<Result<_>>()?
    };
    let mut master =
        Master { node: node.clone(), signals, runtime, reactors: Rc::new(RefCell::new(reactors)), manager };
    master.accept();
    state.enter(ServerPhase::Running);
    let flow = master.serve();
    let code = master.end(flow.err());
    Ok(code)
}

struct Master {
    node: Node,
    signals: Signals,
    runtime: ThreadRuntime,
    reactors: Rc<RefCell<Vec<Handle>>>,
    /// Its process id, 0 once it has ended.
    manager: i32,
}

impl Master {
    /// Begins to accept on every port.
    fn accept(&self) {
        let state = self.node.state();
        let acceptor = Owner::new(state, 0, Rc::new(Nobody));
        for port in state.ports.iter().filter(|p| p.kind.is_stream()) {
            let (reactors, to) = (self.reactors.clone(), port.clone());
            let place = move |socket, peer| {
                let all = reactors.borrow();
                // The thread with the fewest connections gets the new one.
                let load = |r: &&Handle| state.reactor_slot(r.id).connections.load(Relaxed);
                if let Some(reactor) = all.iter().min_by_key(load) {
                    reactor.tell(ReactorCommand::Adopt(socket, peer, to.clone()));
                }
                None
            };
            let _in_runtime = self.runtime.enter();
            self.runtime.spawn(SendWrapper::new(acceptor.clone().accept_from(port.clone(), place)));
        }
    }

    fn serve(&mut self) -> std::result::Result<(), Stop> {
        let node = self.node.clone();
        node.0.handler.start(&node)?;
        loop {
            let arrived = self.signals.take();
            if arrived.contains(libc::SIGTERM) || arrived.contains(libc::SIGINT) || node.is_stopping() {
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
                crate::log::error!("the manager process has ended: the server ends too");
                return Err(Stop { code: 255 });
            }
            node.0.handler.turn(&node)?;
            run_timers(&node);
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
        let timer = self.node.0.timers.borrow().next_deadline();
        let timer = timer.map(|at| Duration::from_millis(at.saturating_sub(clock::monotonic_ms())));
        let limit = [timer, self.node.0.handler.sleep_limit()].into_iter().flatten().min();
        let wake = self.node.0.wake.clone();
        let handler = &self.node.0.handler;
        self.runtime.block_on(async {
            let Ok(event_fd) = runtime::watch(self.signals.event_fd()) else { return };
            let timer = async {
                match limit {
                    Some(limit) => tokio::time::sleep(limit).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = runtime::rung(&event_fd) => {}
                () = wake.raised() => {}
                () = std::future::poll_fn(|cx| handler.poll_ready(cx)) => {}
                () = timer => {}
            }
        });
    }

    /// Ends the server: nothing new is accepted, what was accepted is finished, then everything is closed.
    fn end(&mut self, fault: Option<Stop>) -> End {
        let node = self.node.clone();
        let state = node.state();
        let mut code = fault.map_or(0, |stop| stop.code);
        if fault.is_none()
            && let Err(stop) = node.0.handler.before_shutdown(&node)
        {
            code = stop.code;
        }
        state.enter(ServerPhase::Ending);
        crate::server::stop_listening(state);
        self.reactors.borrow().iter().for_each(|r| r.tell(ReactorCommand::Quiesce));
        if self.manager == 0 {
            self.end_workers(state);
        } else {
            process::kill(self.manager, libc::SIGTERM);
            self.wait_for_manager();
        }
        state.enter(ServerPhase::Ended);
        self.reactors.borrow().iter().for_each(|r| r.tell(ReactorCommand::End));
        let mut reactors = self.reactors.take();
        reactors.iter_mut().for_each(|reactor| reactor.join(&self.runtime));
        if code == 0 {
            match node.0.handler.shutdown(&node) {
                Ok(()) => return End::Head,
                Err(stop) => code = stop.code,
            }
        }
        End::Forked { code, fatal: true }
    }

    fn wait_for_manager(&mut self) {
        let patience = self.node.state().config.max_wait_time + MANAGER_MARGIN;
        let until = clock::monotonic_ms() + patience.as_millis() as u64;
        while !self.manager_has_ended() {
            if clock::monotonic_ms() > until {
                crate::log::error!("the manager did not end in time: it is killed");
                process::kill(self.manager, libc::SIGKILL);
            }
            // Its reactors go on carrying out what workers still want, in their threads or here.
            self.runtime.block_on(async { tokio::time::sleep(Duration::from_millis(2)).await });
        }
    }

    /// Does the manager's last work in its place.
    fn end_workers(&self, state: &'static ServerState) {
        let pids = || state.workers.iter().map(|w| w.pid.load(Relaxed)).filter(|pid| *pid > 0);
        for pid in pids() {
            process::kill(pid, libc::SIGTERM);
        }
        let until = clock::monotonic_ms() + state.config.max_wait_time.as_millis() as u64;
        while pids().any(process::is_alive) && clock::monotonic_ms() < until {
            self.runtime.block_on(async { tokio::time::sleep(Duration::from_millis(5)).await });
        }
        for pid in pids().filter(|pid| process::is_alive(*pid)) {
            crate::log::warn!("process {pid} did not end within max_wait_time: it is killed");
            process::kill(pid, libc::SIGKILL);
        }
    }
}

/// The accepting thread keeps no connection: nothing ever happens to one here.
struct Nobody;

impl ConnectionObserver for Nobody {
    fn connect(&self, _: &Rc<Owner>, _: &Rc<Connection>) -> Verdict {
        Verdict::Go
    }
    fn packet(&self, _: &Rc<Owner>, _: &Rc<Connection>, _: &[u8]) -> Verdict {
        Verdict::Go
    }
    fn stored_packet(&self, _: &Rc<Owner>, _: &Rc<Connection>, _: Vec<u8>, _: TempFile) -> Verdict {
        Verdict::Go
    }
    fn close(&self, owner: &Rc<Owner>, conn: &Rc<Connection>) {
        owner.finish(conn, true);
    }
    fn watermark(&self, _: &Rc<Owner>, _: &Rc<Connection>, _: bool) {}
}

/// How much longer than its processes the manager may take to end.
const MANAGER_MARGIN: Duration = Duration::from_millis(1500);
