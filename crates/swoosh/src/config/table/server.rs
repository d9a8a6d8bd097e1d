//! Settings of the whole server.

use super::rows::settings;
use crate::config::checks::check_ignored_cores;
use crate::config::kind::{Kind, Max, U32_MAX};
use crate::config::server::{ServerConfig, descriptor_limit};
use crate::config::setting::{Setter, Target};
use crate::config::types::{DispatchMode, TaskIpc};
use crate::config::value::{Callback, Value};

settings! { SERVER in Target::Server;
    /// Reactor threads in process mode.
    reactor_num: Kind::int(1, 256, "threads"), "the number of cores, at most 8" =>
        Setter::Server(|c, v| v.store_or_default(c, |c| &mut c.reactor_num));
    /// Worker processes.
    worker_num: Kind::Int { min: 1, max: Max::PerCore(1000), unit: PROCESSES }, "the number of cores; 1 in base mode" =>
        Setter::Server(|c, v| v.store_or_default(c, |c| &mut c.worker_num));
    /// Task worker processes.
    task_worker_num: Kind::Int { min: 0, max: Max::PerCore(1000), unit: PROCESSES }, "0" =>
        Setter::Server(|c, v| v.store(&mut c.task_worker_num));
    /// The rule that selects the worker for a request: 1 round robin, 2 by connection, 3 an idle worker first, 4 by address,
    /// 5 by bound uid, 6 `dispatch_func` alone, 7 the next free worker, 8 fewest connections, 9 fewest requests,
    /// 10 fewest coroutines.
    dispatch_mode: Kind::int(1, 10, "a mode"), "2" =>
        Setter::Server(|c, v| v.store_choice(&mut c.dispatch_mode, &DISPATCH_MODES));
    /// A function that selects the worker for a packet; it runs in the master's only PHP thread.
    dispatch_func: Kind::Function("a function of the server, the connection, the event's type and the data"), "none" =>
        Setter::Server(|c, v| match v.value {
            Value::Func(Callback::Dispatch(func)) => {
                c.dispatch_func = Some(func.clone());
                Ok(None)
            }
            _ => v.refused(v.kind.expected()),
        });
    /// Connect and close events in dispatch modes 1, 3 and 7 too.
    enable_unsafe_event: Kind::Bool, "false" => Setter::Server(|c, v| v.store(&mut c.enable_unsafe_event));
    /// Requests of connections that have been closed meanwhile are dropped.
    discard_timeout_request: Kind::Bool, "true" => Setter::Server(|c, v| v.store(&mut c.discard_timeout_request));
    /// Nothing is read from a new connection before `confirm()`.
    enable_delay_receive: Kind::Bool, "false" => Setter::Server(|c, v| v.store(&mut c.enable_delay_receive));
    /// SO_REUSEPORT: each worker of base mode has its own listening sockets.
    enable_reuse_port: Kind::Bool, "false" => Setter::Port(|p, v| v.store(&mut p.config.reuse_port));
    /// The reactor runs in the master's main thread.
    single_thread: Kind::Bool, "false" => Setter::Server(|c, v| v.store(&mut c.single_thread));
    /// Connections at once; lowered to `ulimit -n`.
    max_connection | max_conn: Kind::int(1, U32_MAX, "connections"), "`ulimit -n`, at most 100,000" =>
        Setter::Server(|c, v| {
            if v.value.whole_number() == Some(0) {
                c.max_conn = ServerConfig::default().max_conn;
                return Ok(None);
            }
            let wanted: u32 = v.number()?;
            c.max_conn = wanted.min(descriptor_limit());
            let (name, limit) = (v.name, c.max_conn);
            Ok((limit < wanted).then(|| {
                format!("{name} is lowered from {wanted} to {limit}: no more descriptors may be open (ulimit -n)")
            }))
        });
    /// HTTP requests in progress in all workers; more are answered with 503. 0: no limit.
    max_concurrency: Kind::int(0, U32_MAX, "a number"), "0" => Setter::Server(|c, v| v.store(&mut c.max_concurrency));
    /// Requests in progress in one worker; more are queued. 0: no limit.
    worker_max_concurrency: Kind::int(0, U32_MAX, "a number"), "0" =>
        Setter::Server(|c, v| v.store(&mut c.worker_max_concurrency));
    /// A connection is not read while more of its bytes than that are queued for user code. 0: 1 MiB if
    /// `worker_max_concurrency` is set, else no limit.
    max_queued_bytes: Kind::int(0, U32_MAX, "a number"), "0" => Setter::Server(|c, v| v.store(&mut c.max_queued_bytes));
    /// Requests after which a worker is replaced. 0: never.
    max_request: Kind::int(0, U32_MAX, "a number"), "0" => Setter::Server(|c, v| v.store(&mut c.max_request));
    /// Up to that many more requests, chosen at random, so that workers are not replaced at the same time.
    max_request_grace: Kind::int(0, U32_MAX, "a number"), "0" =>
        Setter::Server(|c, v| v.store(&mut c.max_request_grace));
    /// Tasks after which a task worker is replaced. 0: never.
    task_max_request: Kind::int(0, U32_MAX, "a number"), "0" => Setter::Server(|c, v| v.store(&mut c.task_max_request));
    /// Up to that many more tasks, chosen at random.
    task_max_request_grace: Kind::int(0, U32_MAX, "a number"), "0" =>
        Setter::Server(|c, v| v.store(&mut c.task_max_request_grace));
    /// The time that a worker may take to end before it is killed, seconds.
    max_wait_time: Kind::int(0, U32_MAX, "seconds"), "3" => Setter::Server(|c, v| v.store(&mut c.max_wait_time));
    /// Accepted for compatibility: a worker that ends always completes the requests in progress.
    reload_async: Kind::Bool, "true" => Setter::Server(|_, _| Ok(None));
    /// For development: workers are replaced when a file below these folders changes. Base mode then has a manager with
    /// one worker, too.
    reload_on_change: Kind::Folders, "false" => Setter::Server(|c, v| {
        c.reload_on_change = v.folders()?;
        Ok(None)
    });
    /// The ends of the names of files that `reload_on_change` looks at.
    reload_on_change_extensions: Kind::Strings, "php, phtml, inc, html, twig, env, ini, json, toml, xml, yaml, yml" =>
        Setter::Server(|c, v| {
            c.reload_on_change_extensions = v.texts();
            Ok(None)
        });
    /// The names of folders that `reload_on_change` does not look into.
    reload_on_change_ignore: Kind::Strings, ".git, .idea, cache, log, logs, node_modules, runtime, storage, tmp, var, vendor"
        => Setter::Server(|c, v| {
            c.reload_on_change_ignore = v.texts();
            Ok(None)
        });
    /// The transport of tasks: 1 shared memory, 2 a System V queue, 3 a System V queue that any task worker reads.
    task_ipc_mode: Kind::int(1, 3, "a mode"), "1" =>
        Setter::Server(|c, v| v.store_choice(&mut c.task_ipc, &TASK_IPC_MODES));
    /// The key of that System V queue, 32 bits. 0: a private queue.
    message_queue_key: Kind::int(i32::MIN as i64, U32_MAX, "a key"), "0" => Setter::Server(|c, v| {
        // A key has 32 bits, which some languages show as a signed and some as an unsigned number.
        c.message_queue_key = v.number::<i64>()? as i32;
        Ok(None)
    });
    /// Bytes of tasks that one worker keeps while the queues of its task workers are full; more are refused.
    task_queue_bytes: Kind::int(0, i64::MAX, "bytes"), "64 MiB" => Setter::Server(|c, v| v.store(&mut c.task_queue_bytes));
    /// The directory for large payloads of tasks and messages.
    task_tmpdir: Kind::Path, "`/tmp`" => Setter::Server(|c, v| match v.path()? {
        Some(path) => {
            c.task_tmpdir = path;
            Ok(None)
        }
        None => v.refused("a directory"),
    });
    /// The longest HTTP request that is kept in memory, bytes; the body of a longer one is written to a file.
    input_buffer_size | buffer_input_size: Kind::int(1, U32_MAX, "bytes"), "1 MiB" =>
        Setter::Server(|c, v| v.store_or_default(c, |c| &mut c.input_buffer_size));
    /// The longest single `send`, bytes.
    output_buffer_size | buffer_output_size: Kind::int(1, U32_MAX, "bytes"), "4 GiB" =>
        Setter::Server(|c, v| v.store_or_default(c, |c| &mut c.output_buffer_size));
    /// The directory for uploaded files and for bodies longer than `input_buffer_size`.
    upload_tmp_dir: Kind::Path, "`/tmp`" => Setter::Server(|c, v| {
        c.upload_tmp_dir = v.path()?.unwrap_or_else(|| ServerConfig::default().upload_tmp_dir);
        Ok(None)
    });
    /// The id of the first connection.
    start_session_id: Kind::int(1, i64::MAX, "an id"), "1" => Setter::Server(|c, v| v.store(&mut c.start_session_id));
    /// The interval of the search for idle connections, seconds. 0: none.
    heartbeat_check_interval: Kind::int(0, U32_MAX, "seconds"), "0" =>
        Setter::Server(|c, v| v.store(&mut c.heartbeat_check_interval));
    /// The server runs in the background.
    daemonize: Kind::Bool, "false" => Setter::Server(|c, v| v.store(&mut c.daemonize));
    /// A file that holds the master's process id while the server runs.
    pid_file: Kind::Path, "none" => Setter::Server(|c, v| v.store(&mut c.pid_file));
    /// The user that workers run as.
    user: Kind::Text, "the user of the master" => Setter::Server(|c, v| v.store(&mut c.user));
    /// The group that workers run as.
    group: Kind::Text, "the group of the master" => Setter::Server(|c, v| v.store(&mut c.group));
    /// The root directory of workers, chroot(2).
    chroot: Kind::Path, "none" => Setter::Server(|c, v| v.store(&mut c.chroot));
    /// Reactor threads and workers are bound to cores.
    open_cpu_affinity: Kind::Bool, "false" => Setter::Server(|c, v| v.store(&mut c.open_cpu_affinity));
    /// Cores that are left to other programs.
    cpu_affinity_ignore: Kind::Numbers, "none" => Setter::Server(|c, v| {
        let mut cores = Vec::new();
        v.store(&mut cores)?;
        check_ignored_cores(&cores)?;
        c.cpu_affinity_ignore = cores;
        Ok(None)
    });
    /// Code that starts the threads of Swoole's thread mode.
    bootstrap: Kind::Path, "none" => Setter::Unsupported(THREADS);
    /// A function that makes the arguments of those threads.
    init_arguments: Kind::Function("a function"), "none" => Setter::Unsupported(THREADS);
}

const PROCESSES: &str = "processes: 1000 for each core";
const THREADS: &str = "they begin threads, and this engine's workers are processes";

const DISPATCH_MODES: [DispatchMode; 10] = [
    DispatchMode::RoundRobin,
    DispatchMode::Connection,
    DispatchMode::Idle,
    DispatchMode::Address,
    DispatchMode::Uid,
    DispatchMode::User,
    DispatchMode::Stream,
    DispatchMode::ConnectionLoad,
    DispatchMode::RequestLoad,
    DispatchMode::Concurrency,
];
const TASK_IPC_MODES: [TaskIpc; 3] = [TaskIpc::Direct, TaskIpc::Queue, TaskIpc::Preemptive];
