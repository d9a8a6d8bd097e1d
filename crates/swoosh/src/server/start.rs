//! From a builder to a running server: what is shared is reserved, then processes are forked, then threads start.

use super::ServerBuilder;
use crate::config::{Framing, Mode, ServerConfig, TaskIpc};
use crate::conn::certificates::Certificates;
use crate::conn::registry::Registry;
use crate::error::{Error, Result};
use crate::handler::{Handler, WorkerId};
use crate::ipc::Mailbox;
use crate::ipc::handover::Handover;
use crate::node::{Node, Role};
use crate::process::{End, manager, master, worker};
use crate::shm::SharedSlice;
use crate::shm::slots::{ReactorSlot, ServerSlot, WorkerSlot};
use crate::state::{Port, ServerPhase, ServerState};
use crate::sys::fd_channel::FdChannel;
use crate::sys::process::{self, Fork};
use crate::sys::queue::Queue;
use crate::sys::{clock, daemon, signal};
use std::path::Path;
use std::rc::Rc;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, OnceLock};

/// Runs the server until it ends.
///
/// Each process of the server returns from here: the one that called with [`End::Head`], a forked one with what its
/// exit status is to be. The caller ends a forked process, at once and quietly.
///
/// `prepare` gets the node of the process it is called in, before anything else runs there (and once more in each
/// forked process through [`Handler::after_fork`]).
pub fn launch(mut builder: ServerBuilder, handler: Rc<dyn Handler>) -> Result<End> {
    builder.check()?;
    builder.check_tls()?;
    if builder.config.daemonize {
        // A daemon goes on in another directory.
        for path in [&mut builder.config.log_file, &mut builder.config.pid_file].into_iter().flatten() {
            *path = std::path::absolute(&*path).map_err(|e| Error::system("find", path.display(), e))?;
        }
    }
    crate::log::init(&builder.config)?;
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
    signal::collect(&[libc::SIGTERM, libc::SIGINT, libc::SIGUSR1, libc::SIGUSR2, libc::SIGRTMIN()])?;
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
            server.manager_pid.store(process::pid(), Relaxed);
            let node = Node::new(state, handler.clone(), Role::Manager, None);
            handler.after_fork();
            crate::log::set_mark(crate::log::Role::Manager, 0);
            title(&node, "manager");
            process::remember_parent();
            process::on_parent_death(libc::SIGTERM, server.master_pid.load(Relaxed));
            Ok(match manager::run(&node) {
                End::Head => End::Forked { code: 0, fatal: false },
                forked => forked,
            })
        }
        Fork::Parent(manager) => {
            server.manager_pid.store(manager, Relaxed);
            let node = Node::new(state, handler.clone(), Role::Master, None);
            handler.after_fork();
            crate::log::set_mark(crate::log::Role::Master, 0);
            title(&node, "master");
            master::run(&node, manager).inspect_err(|_| {
                process::kill(manager, libc::SIGTERM);
            })
        }
    }
}

fn run_base_mode(state: &'static ServerState, handler: &Rc<dyn Handler>) -> Result<End> {
    state.server[0].manager_pid.store(process::pid(), Relaxed);
    state.enter(ServerPhase::Running);
    let node = Node::new(state, handler.clone(), Role::Manager, None);
    handler.after_fork();
    crate::log::set_mark(crate::log::Role::Manager, 0);
    title(&node, "manager");
    Ok(match manager::run(&node) {
        End::Head => match handler.shutdown(&node) {
            Ok(()) => End::Head,
            Err(stop) => End::Forked { code: stop.code, fatal: true },
        },
        forked => forked,
    })
}

/// Base mode with one worker and nothing else: it runs in this very process.
fn run_alone(state: &'static ServerState, handler: &Rc<dyn Handler>) -> Result<End> {
    state.server[0].master_pid.store(process::pid(), Relaxed);
    state.enter(ServerPhase::Running);
    state.workers[0].generation.store(1, Relaxed);
    let node = Node::new(state, handler.clone(), Role::Worker, Some(WorkerId(0)));
    handler.after_fork();
    Ok(match worker::run_alone(&node) {
        End::Forked { code: 0, fatal: false } => match handler.shutdown(&node) {
            Ok(()) => End::Head,
            Err(stop) => End::Forked { code: stop.code, fatal: true },
        },
        failed => failed,
    })
}

fn is_alone(state: &ServerState) -> bool {
    let config = &state.config;
    config.worker_num == 1 && state.processes() == 1 && config.max_request == 0
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
            // Made before the first fork: what waits in one survives the worker that was to accept it.
            for _ in 1..config.worker_num {
                port.siblings.push(Arc::new(port.another()?));
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
    if processes >= usize::from(crate::ipc::REACTOR) {
        return Err(Error::State { operation: "start", reason: format!("{processes} processes are more than 32767") });
    }
    let owners = if mode == Mode::Process { config.reactor_num as usize } else { workers };
    let server = SharedSlice::<ServerSlot>::new(1, "the server's counters")?;
    server[0].next_session.store(config.start_session_id, Relaxed);
    let worker_slots = SharedSlice::<WorkerSlot>::new(processes, "workers' counters")?;
    let reactor_slots = SharedSlice::<ReactorSlot>::new(owners, "reactors' counters")?;
    let registry = Registry::new(config.max_conn, server)?;
    let verifies = |port: &Arc<Port>| port.config.tls.as_ref().is_some_and(|tls| tls.verify_peer);
    let shown = mode == Mode::Process && served.iter().any(verifies);
    let certificates = shown.then(|| Certificates::new(&registry)).transpose()?;
    let (mut requests, mut handover) = (Vec::new(), Vec::new());
    let speaks_http = served.iter().any(|port: &Arc<Port>| matches!(port.config.framing, Framing::Http));
    let ways = if speaks_http && mode == Mode::Process { workers } else { 0 };
    let fd_channels = (0..ways).map(|_| FdChannel::new()).collect::<Result<_, _>>()?;
    let mut messages = Vec::new();
    let mut results = Vec::new();
    for id in 0..processes {
        let event_fd = crate::state::new_event_fd()?;
        let sleeping = &worker_slots.as_static()[id].sleeping;
        if id < workers && mode == Mode::Process {
            requests.push(Mailbox::new(REQUEST_ROOM, "requests", event_fd, sleeping)?);
            handover.push(Handover::new()?);
        }
        messages.push(Mailbox::new(LETTER_ROOM, "messages and tasks", event_fd, sleeping)?);
        let takes_results = !(workers..workers + tasks).contains(&id);
        let result_box = || Mailbox::new(RESULT_ROOM, "results of tasks", event_fd, sleeping);
        results.push(takes_results.then(result_box).transpose()?);
    }
    let to_manager = Mailbox::new(
        MANAGER_ROOM,
        "messages to the manager",
        crate::state::new_event_fd()?,
        &server.as_static()[0].manager_sleeping,
    )?;
    let orders = (0..if mode == Mode::Process { owners } else { 0 })
        .map(|id| {
            let sleeping = &reactor_slots.as_static()[id].sleeping;
            Mailbox::new(ORDER_ROOM, "replies", crate::state::new_event_fd()?, sleeping)
        })
        .collect::<Result<_>>()?;
    let task_queue = match config.task_ipc {
        TaskIpc::Direct => None,
        _ if tasks == 0 => None,
        _ => Some(Queue::open(config.message_queue_key)?),
    };
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
        messages,
        to_manager,
        results,
        orders,
        task_queue,
        user_processes,
    })))
}

/// Whether reactors may send files: not where workers have other rights or another root, and not what `dispatch_func` might
/// refuse.
fn may_serve_files(config: &ServerConfig) -> bool {
    config.user.is_none() && config.group.is_none() && config.chroot.is_none() && config.dispatch_func.is_none()
}

fn write_pid_file(config: &ServerConfig) -> Result<()> {
    let Some(path) = &config.pid_file else { return Ok(()) };
    std::fs::write(path, process::pid().to_string()).map_err(|e| Error::system("write pid_file", path.display(), e))
}

/// Takes away what only a running server needs.
fn clean_up(state: &ServerState) {
    if let Some(path) = &state.config.pid_file {
        let _ = std::fs::remove_file(path);
    }
    for port in state.ports.iter().filter(|p| p.kind.is_unix() && !p.inherited) {
        let _ = std::fs::remove_file(Path::new(&port.address));
    }
    if state.config.message_queue_key == 0
        && let Some(queue) = state.task_queue
    {
        let _ = queue.remove();
    }
    // The sockets stay with the process otherwise: what was shared is never freed.
    for port in state.ports.iter().filter(|p| !p.inherited).flat_map(with_siblings) {
        let _ = socket2::SockRef::from(&port.socket).shutdown(std::net::Shutdown::Both);
    }
}

/// Refuses new connections from now on, whichever process would have accepted them.
pub fn stop_listening(state: &ServerState) {
    for port in state.ports.iter().filter(|p| p.kind.is_stream() && !p.inherited).flat_map(with_siblings) {
        let _ = socket2::SockRef::from(&port.socket).shutdown(std::net::Shutdown::Both);
    }
}

fn with_siblings(port: &Arc<Port>) -> impl Iterator<Item = &Arc<Port>> {
    std::iter::once(port).chain(&port.siblings)
}

/// Gives this process its title: by the handler, where that can, else by the engine.
pub fn title(node: &Node, role: &str) {
    // Asked once: a title lies where the arguments were.
    static PROGRAM: OnceLock<String> = OnceLock::new();
    let program = PROGRAM.get_or_init(|| {
        // The whole command: who looks for `php server.php` goes on finding it.
        let command = std::fs::read("/proc/self/cmdline").unwrap_or_default();
        let words = String::from_utf8_lossy(&command).trim_end_matches('\0').replace('\0', " ");
        let folder = words.split(' ').next().and_then(|program| program.rfind('/')).map_or(0, |slash| slash + 1);
        words[folder..].to_string()
    });
    let title = format!("{program}: swoosh {role}");
    if !node.0.handler.set_title(&title) {
        set_own_title(&title);
    }
    crate::sys::title::name_thread(&format!("swoosh {role}"));
}

/// Overwrites the arguments that ps(1) shows.
fn set_own_title(title: &str) {
    use std::sync::Mutex;
    static TITLE: Mutex<Option<crate::sys::title::Title>> = Mutex::new(None);
    let Ok(mut own) = TITLE.try_lock() else { return };
    if own.is_none() {
        *own = crate::sys::title::Title::take().ok();
    }
    if let Some(own) = own.as_mut() {
        own.set(title);
    }
}

const REQUEST_ROOM: usize = 1 << 20;
const LETTER_ROOM: usize = 4 << 20;
const MANAGER_ROOM: usize = 256 << 10;
const RESULT_ROOM: usize = 1 << 20;
const ORDER_ROOM: usize = 1 << 20;
