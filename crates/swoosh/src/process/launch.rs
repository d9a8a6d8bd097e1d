//! Start of a server: shared state is reserved, then processes are forked, then threads start.
//!
//! Invariant: no thread exists before the last fork of this process.

use super::{End, manager, master, title, worker};
use crate::config::PortSettings;
use crate::config::{Framing, Mode, ServerConfig, TaskIpc};
use crate::context::{Context, Role};
use crate::error::{Error, Result};
use crate::handler::Handler;
use crate::ids::WorkerId;
use crate::ipc::handover::Handover;
use crate::ipc::{Mailbox, message};
use crate::net::Port;
use crate::net::listener::BoundPort;
use crate::net::port::with_siblings;
use crate::shm::SharedSlice;
use crate::shm::slots::{ReactorSlot, ServerSlot, WorkerSlot};
use crate::state::certificates::Certificates;
use crate::state::registry::Registry;
use crate::state::service_manager::ServiceManager;
use crate::state::{ServerPhase, ServerState};
use crate::sys::fd_channel::FdChannel;
use crate::sys::message_queue::MessageQueue;
use crate::sys::open::{self, WriteFrom};
use crate::sys::process::{self, Fork};
use crate::sys::{clock, daemon, signal, user};
use std::io::Write;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

/// A server that is not started: its mode, its bound ports, its settings.
pub struct ServerBuilder {
    /// Process or base mode.
    pub mode: Mode,
    /// Settings of the whole server.
    pub config: ServerConfig,
    /// Its ports with their own settings, in the order of `listen`; `None`: the port uses the settings of the first one.
    pub ports: Vec<(BoundPort, Option<PortSettings>)>,
    /// Settings of the first port, and of every port without its own.
    pub port_settings: PortSettings,
    /// Number of user processes.
    pub user_processes: usize,
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

    /// Validates every setting.
    ///
    /// # Errors
    /// The first invalid setting.
    pub fn check(&self) -> Result<()> {
        self.config.validate()?;
        for (bound, settings) in &self.ports {
            settings.as_ref().unwrap_or(&self.port_settings).finish(&self.config, bound.tls)?;
        }
        Ok(())
    }

    /// Validates the certificate and key files.
    ///
    /// # Errors
    /// The first file that cannot be used.
    pub fn check_tls(&self) -> Result<()> {
        for (bound, settings) in &self.ports {
            let port = settings.as_ref().unwrap_or(&self.port_settings).finish(&self.config, bound.tls)?;
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
    for port in state.ports.iter().flat_map(with_siblings) {
        port.listen()?;
    }
    let server = &state.server[0];
    server.start_time.store(clock::wall_nanos() / 1_000_000_000, Relaxed);
    signal::record_pending(&[libc::SIGTERM, libc::SIGINT, libc::SIGUSR1, libc::SIGUSR2, libc::SIGRTMIN()])?;
    // A terminal that closes, logrotate and supervisors send these by habit: they end no process that did not ask for it.
    signal::discard_defaults(&[libc::SIGHUP, libc::SIGALRM])?;
    write_pid_file(&state.config)?;
    let end = match state.mode {
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
    let server = &state.server[0];
    server.master_pid.store(process::pid(), Relaxed);
    match process::fork()? {
        Fork::Child => {
            signal::unsubscribe_all();
            server.manager_pid.store(process::pid(), Relaxed);
            let context = Context::new(state, handler.clone(), Role::Manager, None);
            handler.after_fork();
            crate::log::set_mark(crate::log::Role::Manager, 0);
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
            crate::log::set_mark(crate::log::Role::Master, 0);
            title::set(&context, "master");
            master::run(&context, manager).inspect_err(|_| {
                process::kill(manager, libc::SIGTERM);
            })
        }
    }
}

fn run_base_mode(state: &'static ServerState, handler: &Rc<dyn Handler>) -> Result<End> {
    state.server[0].manager_pid.store(process::pid(), Relaxed);
    state.enter(ServerPhase::Running);
    let context = Context::new(state, handler.clone(), Role::Manager, None);
    handler.after_fork();
    crate::log::set_mark(crate::log::Role::Manager, 0);
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
    state.server[0].master_pid.store(process::pid(), Relaxed);
    state.enter(ServerPhase::Running);
    state.workers[0].generation.store(1, Relaxed);
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
    let config = &state.config;
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
        let settings = settings.as_ref().unwrap_or(&port_settings).finish(&config, bound.tls)?;
        let mut port = bound.finish(index, settings)?;
        if mode == Mode::Process && matches!(port.config.framing, Framing::Http) && may_serve_files(&config) {
            port.files = handler.files(index);
        }
        if mode == Mode::Base
            && port.config.reuse_port
            && !port.inherited
            && port.kind.is_stream()
            && !port.kind.is_unix()
        {
            // Created before the first fork: connections that wait in one survive the worker that was to accept them.
            for _ in 1..config.worker_num {
                port.siblings.push(Arc::new(port.sibling()?));
            }
        }
        served.push(Arc::new(port));
    }
    if served.is_empty() {
        return Err(Error::State { operation: "start", reason: "the server has no port to listen on".into() });
    }
    let workers = config.worker_num as usize;
    let tasks = config.task_worker_num as usize;
    let processes = workers + tasks + user_processes;
    if processes >= message::MAX_PROCESSES {
        return Err(Error::State { operation: "start", reason: format!("{processes} processes are more than 32767") });
    }
    let owners = if mode == Mode::Process { config.reactor_num as usize } else { workers };
    let server = SharedSlice::<ServerSlot>::new(1, "the server's counters")?;
    server[0].next_session.store(config.start_session_id, Relaxed);
    let worker_slots = SharedSlice::<WorkerSlot>::new(processes, "workers' counters")?;
    let reactor_slots = SharedSlice::<ReactorSlot>::new(owners, "reactors' counters")?;
    let speaks_http2 = served.iter().any(|port: &Arc<Port>| port.config.http2.is_some());
    let registry = Registry::new(config.max_conn, if speaks_http2 { max_streams(config.max_conn) } else { 0 }, server)?;
    let verifies = |port: &Arc<Port>| port.config.tls.as_ref().is_some_and(|tls| tls.verify_peer);
    let verifies_any = mode == Mode::Process && served.iter().any(verifies);
    let certificates = verifies_any.then(|| Certificates::new(&registry)).transpose()?;
    let (mut requests, mut handover) = (Vec::new(), Vec::new());
    let speaks_http = served.iter().any(|port: &Arc<Port>| matches!(port.config.framing, Framing::Http));
    let channels = if speaks_http && mode == Mode::Process { workers } else { 0 };
    let fd_channels = (0..channels).map(|_| FdChannel::new()).collect::<Result<_, _>>()?;
    let files_to_send = (0..owners).map(|_| FdChannel::new()).collect::<Result<_, _>>()?;
    let mut messages = Vec::new();
    let mut results = Vec::new();
    for id in 0..processes {
        let event_fd = crate::state::new_event_fd()?;
        let sleeping = &worker_slots.as_static()[id].sleeping;
        if id < workers && mode == Mode::Process {
            requests.push(Mailbox::new(REQUESTS_CAPACITY, "requests", event_fd, sleeping)?);
            handover.push(Handover::new()?);
        }
        messages.push(Mailbox::new(MESSAGES_CAPACITY, "messages and tasks", event_fd, sleeping)?);
        let takes_results = !(workers..workers + tasks).contains(&id);
        let result_box = || Mailbox::new(RESULTS_CAPACITY, "results of tasks", event_fd, sleeping);
        results.push(takes_results.then(result_box).transpose()?);
    }
    let to_manager = Mailbox::new(
        MANAGER_CAPACITY,
        "messages to the manager",
        crate::state::new_event_fd()?,
        &server.as_static()[0].manager_sleeping,
    )?;
    let commands = (0..if mode == Mode::Process { owners } else { 0 })
        .map(|id| {
            let sleeping = &reactor_slots.as_static()[id].sleeping;
            Mailbox::new(COMMANDS_CAPACITY, "replies", crate::state::new_event_fd()?, sleeping)
        })
        .collect::<Result<_>>()?;
    let task_queue = match config.task_ipc {
        TaskIpc::Direct => None,
        _ if tasks == 0 => None,
        _ => Some(MessageQueue::open(config.message_queue_key)?),
    };
    if let (Some(queue), Some(user)) = (&task_queue, &config.user) {
        queue.give_to(user::id_of(user)?)?;
    }
    Ok(Box::leak(Box::new(ServerState {
        mode,
        config,
        ports: served,
        registry,
        certificates,
        server,
        workers: worker_slots,
        reactors: reactor_slots,
        requests,
        handover,
        fd_channels,
        files_to_send,
        messages,
        to_manager,
        results,
        commands,
        task_queue,
        user_processes,
        service_manager: ServiceManager::from_env(),
    })))
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
    if let Some(path) = &state.config.pid_file
        && std::fs::read_to_string(path).is_ok_and(|pid| pid == state.head_pid().to_string())
    {
        let _ = std::fs::remove_file(path);
    }
}

/// Removes what only a running server needs.
fn clean_up(state: &ServerState) {
    remove_pid_file(state);
    for port in state.ports.iter().filter(|p| p.kind.is_unix() && !p.inherited) {
        let _ = std::fs::remove_file(Path::new(&port.address));
    }
    if state.config.message_queue_key == 0
        && let Some(queue) = state.task_queue
    {
        let _ = queue.remove();
    }
    // Shared state is never freed, so the sockets would stay open.
    for port in state.ports.iter().filter(|p| !p.inherited).flat_map(with_siblings) {
        let _ = socket2::SockRef::from(&port.socket).shutdown(std::net::Shutdown::Both);
    }
}

// Capacities of mailboxes in bytes.
const REQUESTS_CAPACITY: usize = 1 << 20;
const MESSAGES_CAPACITY: usize = 4 << 20;
const MANAGER_CAPACITY: usize = 256 << 10;
const RESULTS_CAPACITY: usize = 1 << 20;
const COMMANDS_CAPACITY: usize = 1 << 20;

/// Streams of HTTP/2 that may be open at once in all connections; more are refused, and clients send them again. A row takes
/// 256 bytes once it is used.
fn max_streams(max_conn: u32) -> u32 {
    max_conn.saturating_mul(4).clamp(16_384, 1 << 20)
}
