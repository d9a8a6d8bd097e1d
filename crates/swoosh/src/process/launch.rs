//! Start of a server: shared state is reserved, then processes are forked, then threads start.
//!
//! Invariant: no thread exists before the last fork of this process.

use super::{End, manager, master, title, worker};
use crate::config::{Framing, Mode, PortSettings, ServerConfig};
use crate::context::{Context, Role};
use crate::error::{Error, Result};
use crate::handler::Handler;
use crate::ids::WorkerId;
use crate::net::Port;
use crate::net::listener::BoundPort;
use crate::state::{ServerPhase, ServerState};
use crate::sys::open::{self, WriteFrom};
use crate::sys::process::{self, Fork};
use crate::sys::{clock, daemon, signal, user};
use std::io::Write;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

/// A server that is not started: its mode, its bound ports, its settings.
pub struct ServerBuilder {
    mode: Mode,
    config: ServerConfig,
    /// The ports with their own settings; `None`: the port uses `port_settings`.
    ports: Vec<(BoundPort, Option<PortSettings>)>,
    port_settings: PortSettings,
    user_processes: usize,
}

impl ServerBuilder {
    /// A server without ports.
    pub fn new(mode: Mode) -> Self {
        let mut config = ServerConfig::default();
        if mode == Mode::Base {
            // It runs in the calling process: programs keep their state in variables there.
            config.worker_num = 1;
        }
        ServerBuilder { mode, config, ports: Vec::new(), port_settings: PortSettings::new(), user_processes: 0 }
    }

    /// Adds a bound port. Returns its index.
    pub fn add_port(&mut self, port: BoundPort) -> usize {
        self.ports.push((port, None));
        self.ports.len() - 1
    }

    /// Its ports, in the order of `listen`.
    pub fn ports(&self) -> impl ExactSizeIterator<Item = &BoundPort> {
        self.ports.iter().map(|(port, _)| port)
    }

    /// Index of the port that was added last.
    pub(crate) fn last_port(&self) -> Option<usize> {
        self.ports.len().checked_sub(1)
    }

    /// Settings of the whole server.
    pub fn config(&self) -> &ServerConfig {
        &self.config
    }

    /// Settings of the first port, and of every port without its own.
    pub fn port_settings(&self) -> &PortSettings {
        &self.port_settings
    }

    /// The settings of the server and of its ports, to be changed.
    pub fn settings_mut(&mut self) -> (&mut ServerConfig, &mut PortSettings) {
        (&mut self.config, &mut self.port_settings)
    }

    /// Gives the port with this index, which exists, settings of its own.
    pub fn set_port_settings(&mut self, index: usize, settings: PortSettings) {
        self.ports[index].1 = Some(settings);
    }

    /// Sets the number of user processes.
    pub fn set_user_processes(&mut self, count: usize) {
        self.user_processes = count;
    }

    /// Validates every setting.
    ///
    /// # Errors
    /// The first invalid setting.
    pub fn check(&self) -> Result<()> {
        self.config.validate()?;
        for (bound, settings) in &self.ports {
            settings.as_ref().unwrap_or(&self.port_settings).finish(&self.config, bound.uses_tls())?;
        }
        Ok(())
    }

    /// Validates the certificate and key files.
    ///
    /// # Errors
    /// The first file that cannot be used.
    pub fn check_tls(&self) -> Result<()> {
        for (bound, settings) in &self.ports {
            let port = settings.as_ref().unwrap_or(&self.port_settings).finish(&self.config, bound.uses_tls())?;
            port.acceptor()
                .map_err(|e| Error::State { operation: "speak TLS", reason: format!("{}: {e}", bound.name()) })?;
        }
        Ok(())
    }
}

/// Runs the server until it ends.
///
/// Every process of the server returns from here: the caller's with [`End::Head`], a forked one with its exit status. The
/// caller exits a forked process at once, without further output.
///
/// # Errors
/// Where a setting is invalid, a port cannot be opened, shared memory cannot be reserved, or a process cannot be forked.
pub fn launch(mut builder: ServerBuilder, handler: Rc<dyn Handler>) -> Result<End> {
    builder.check()?;
    builder.check_tls()?;
    user::check(builder.config.user.as_deref(), builder.config.group.as_deref())?;
    if builder.config.daemonize {
        // A daemon changes its directory.
        for path in [&mut builder.config.log_file, &mut builder.config.pid_file].into_iter().flatten() {
            *path = std::path::absolute(&*path).map_err(|e| Error::system("find", path.display(), e))?;
        }
    }
    crate::log::init(&builder.config.log())?;
    if builder.config.daemonize {
        daemon::daemonize(builder.config.log_file.as_deref())?;
        handler.after_fork();
    }
    let state = reserve(builder, &*handler)?;
    for port in state.ports() {
        port.listen()?;
    }
    let server = state.server();
    server.start_time.store(clock::wall_nanos() / 1_000_000_000, Relaxed);
    let handled = [libc::SIGTERM, libc::SIGINT, libc::SIGQUIT, libc::SIGUSR1, libc::SIGUSR2, libc::SIGRTMIN()];
    signal::record_pending(&handled)?;
    // A terminal that closes, logrotate and supervisors send these by habit: they end no process that did not ask for it.
    signal::discard_defaults(&[libc::SIGHUP, libc::SIGALRM])?;
    write_pid_file(state.config())?;
    let end = match state.mode() {
        Mode::Process => run_process_mode(state, &handler),
        Mode::Base if is_alone(state) => run_alone(state, &handler),
        Mode::Base => run_base_mode(state, &handler),
    };
    if !matches!(end, Ok(End::Forked { .. })) || state.head_pid() == process::pid() {
        clean_up(state);
    }
    end
}

fn run_process_mode(state: &'static ServerState, handler: &Rc<dyn Handler>) -> Result<End> {
    let server = state.server();
    server.master_pid.store(process::pid(), Relaxed);
    match process::fork()? {
        Fork::Child => {
            signal::unsubscribe_all();
            server.manager_pid.store(process::pid(), Relaxed);
            let context = Context::new(state, handler.clone(), Role::Manager, None);
            handler.after_fork();
            crate::log::set_mark(Role::Manager, 0);
            title::set(&context, "manager");
            crate::sys::parent_death::record_parent();
            crate::sys::parent_death::set_parent_death_signal(libc::SIGTERM, server.master_pid.load(Relaxed));
            Ok(match manager::run(&context) {
                End::Head => {
                    if !process::is_alive(state.head_pid()) {
                        // The master was killed, and could not clean up.
                        remove_pid_file(state);
                    }
                    End::Forked { code: 0, fatal: false }
                }
                forked => forked,
            })
        }
        Fork::Parent(manager) => {
            server.manager_pid.store(manager, Relaxed);
            let context = Context::new(state, handler.clone(), Role::Master, None);
            handler.after_fork();
            crate::log::set_mark(Role::Master, 0);
            title::set(&context, "master");
            master::run(&context, manager).inspect_err(|_| {
                process::kill(manager, libc::SIGTERM);
            })
        }
    }
}

fn run_base_mode(state: &'static ServerState, handler: &Rc<dyn Handler>) -> Result<End> {
    state.server().manager_pid.store(process::pid(), Relaxed);
    state.enter(ServerPhase::Running);
    let context = Context::new(state, handler.clone(), Role::Manager, None);
    handler.after_fork();
    crate::log::set_mark(Role::Manager, 0);
    title::set(&context, "manager");
    Ok(match manager::run(&context) {
        End::Head => match handler.shutdown(&context) {
            Ok(()) => End::Head,
            Err(stop) => End::Forked { code: stop.code, fatal: true },
        },
        forked => forked,
    })
}

/// Base mode with one worker and nothing else: it runs in this process.
fn run_alone(state: &'static ServerState, handler: &Rc<dyn Handler>) -> Result<End> {
    state.server().master_pid.store(process::pid(), Relaxed);
    state.enter(ServerPhase::Running);
    state.workers()[0].generation.store(1, Relaxed);
    let context = Context::new(state, handler.clone(), Role::Worker, Some(WorkerId(0)));
    handler.after_fork();
    Ok(match worker::run_alone(&context) {
        End::Forked { code: 0, fatal: false } => match handler.shutdown(&context) {
            Ok(()) => End::Head,
            Err(stop) => End::Forked { code: stop.code, fatal: true },
        },
        failed @ End::Forked { code, fatal: true } if code != 0 => {
            crate::log::error!(
                "worker 0 cannot continue, and the server ends with it, status {code}: with worker_num 1, base mode runs \
                 in the process that called start(). Set worker_num to 2 or more, or use process mode: a worker that \
                 fails is replaced there"
            );
            failed
        }
        failed => failed,
    })
}

fn is_alone(state: &ServerState) -> bool {
    let config = state.config();
    config.worker_num == 1 && state.processes() == 1 && config.max_request == 0 && config.reload_on_change.is_empty()
}

/// Reserves everything that the processes will share.
fn reserve(builder: ServerBuilder, handler: &dyn Handler) -> Result<&'static ServerState> {
    let ServerBuilder { mode, mut config, ports, port_settings, user_processes } = builder;
    if config.single_thread {
        config.reactor_num = 1;
    }
    let mut served = Vec::new();
    for (index, (bound, settings)) in ports.into_iter().enumerate() {
        let settings = settings.as_ref().unwrap_or(&port_settings).finish(&config, bound.uses_tls())?;
        let mut port = Port::new(bound, index, settings)?;
        if mode == Mode::Process && matches!(port.config().framing, Framing::Http) && may_serve_files(&config) {
            port.serve_files(handler.files(index));
        }
        if mode == Mode::Base {
            // Created before the first fork: connections that wait in one survive the worker that was to accept them.
            port.open_siblings(config.worker_num)?;
        }
        served.push(Arc::new(port));
    }
    Ok(Box::leak(Box::new(ServerState::reserve(mode, config, served, user_processes)?)))
}

/// Whether reactors may send files: not where workers have other rights or another root, and not where `dispatch_func` might
/// refuse the request.
fn may_serve_files(config: &ServerConfig) -> bool {
    config.user.is_none() && config.group.is_none() && config.chroot.is_none() && config.dispatch_func.is_none()
}

fn write_pid_file(config: &ServerConfig) -> Result<()> {
    let Some(path) = &config.pid_file else { return Ok(()) };
    let write = || -> std::io::Result<()> {
        let mut file = open::for_writing(path, WriteFrom::Start, 0o640)?;
        file.write_all(process::pid().to_string().as_bytes())
    };
    write().map_err(|e| Error::system("write pid_file", path.display(), e))
}

/// Removes the pid file, unless a server that was started meanwhile has written its own.
fn remove_pid_file(state: &ServerState) {
    if let Some(path) = &state.config().pid_file
        && std::fs::read_to_string(path).is_ok_and(|pid| pid == state.head_pid().to_string())
    {
        let _ = std::fs::remove_file(path);
    }
}

/// Removes what only a running server needs.
fn clean_up(state: &ServerState) {
    remove_pid_file(state);
    state.ports().iter().for_each(|port| port.remove_path());
    if state.config().message_queue_key == 0
        && let Some(queue) = state.task_queue()
    {
        let _ = queue.remove();
    }
    // Shared state is never freed, so the sockets would stay open.
    state.ports().iter().for_each(Port::shut_down);
}
