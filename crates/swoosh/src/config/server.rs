//! Settings of the whole server.

use super::types::{DispatchFunc, DispatchMode, TaskIpc};
use crate::log::{LogConfig, LogRotation};
use std::path::PathBuf;
use std::time::Duration;

/// Settings of the whole server.
///
/// ```
/// use swoosh::config::ServerConfig;
///
/// let config = ServerConfig { worker_num: 4, max_request: 10_000, ..ServerConfig::default() };
/// config.validate().unwrap();
/// ```
#[derive(Clone)]
pub struct ServerConfig {
    /// `reactor_num`: reactor threads, 1 to 256. Default: the number of cores, at most 8.
    pub reactor_num: u32,
    /// `worker_num`: 1 to 1000 for each core. Default: the number of cores; of a base-mode server
    /// ([`ServerBuilder::new`](crate::server::ServerBuilder::new)): 1.
    pub worker_num: u32,
    /// `task_worker_num`: 0 to 1000 for each core. Default 0.
    pub task_worker_num: u32,
    /// `dispatch_mode`: the rule that selects the worker for a request.
    pub dispatch_mode: DispatchMode,
    /// `dispatch_func`: a function that selects the worker.
    pub dispatch_func: Option<DispatchFunc>,
    /// `enable_unsafe_event`: connect and close events in dispatch modes 1, 3 and 7 too.
    pub enable_unsafe_event: bool,
    /// `discard_timeout_request`: requests of connections that were closed meanwhile are dropped. Default true.
    pub discard_timeout_request: bool,
    /// `enable_delay_receive`: a connection is not read before `confirm`.
    pub enable_delay_receive: bool,
    /// `single_thread`: the reactor runs in the master's main thread.
    pub single_thread: bool,
    /// `max_connection`: connections at once. Default: the descriptor limit, at most 100,000.
    pub max_conn: u32,
    /// `max_concurrency`: HTTP requests in progress in all workers; more are answered with 503. 0: no limit.
    pub max_concurrency: u32,
    /// `worker_max_concurrency`: requests in progress in one worker; more are queued. 0: no limit.
    pub worker_max_concurrency: u32,
    /// `max_queued_bytes`: a connection is not read while more of its bytes are queued for user code. 0: not set, see
    /// [`queued_bytes_limit`](Self::queued_bytes_limit).
    pub max_queued_bytes: u64,
    /// `max_request`: requests after which a worker is replaced; 0: never.
    pub max_request: u32,
    /// `max_request_grace`: up to that many more, chosen at random, so that workers are not replaced at the same time.
    pub max_request_grace: u32,
    /// `task_max_request`: like `max_request`, for task workers.
    pub task_max_request: u32,
    /// `task_max_request_grace`: like `max_request_grace`, for task workers.
    pub task_max_request_grace: u32,
    /// `reload_on_change`: workers are replaced when a file below these folders changes. Empty by default.
    pub reload_on_change: Vec<PathBuf>,
    /// `reload_on_change_extensions`: ends of the names of the files that count, without the dot.
    pub reload_on_change_extensions: Vec<String>,
    /// `reload_on_change_ignore`: names of folders that are not looked into.
    pub reload_on_change_ignore: Vec<String>,
    /// `max_wait_time`: the time that a worker may take to end before it is killed. Default 3 s.
    pub max_wait_time: Duration,
    /// `task_ipc_mode`: the transport of tasks.
    pub task_ipc: TaskIpc,
    /// `message_queue_key`: the key of the System V queue; 0: a private queue.
    pub message_queue_key: i32,
    /// `task_queue_bytes`: bytes of tasks that one process keeps while the queues of its task workers are full. Default
    /// 64 MiB.
    pub task_queue_bytes: u64,
    /// `task_tmpdir`: the directory for large payloads of tasks and messages. Default `/tmp`.
    pub task_tmpdir: PathBuf,
    /// The longest request with a form of files, bytes, where it may be longer than `package_max_length`: the front end
    /// derives it from `upload_max_filesize`. 0: `package_max_length` bounds every request.
    pub max_form_length: u64,
    /// `input_buffer_size`: the longest HTTP request that is kept in memory, bytes; the body of a longer one is written to a
    /// file. Default 1 MiB.
    pub input_buffer_size: u64,
    /// `upload_tmp_dir`: the directory of these files, which have no names. Default `/tmp`.
    pub upload_tmp_dir: PathBuf,
    /// `output_buffer_size`: the longest single `send`, bytes. Default 4 GiB.
    pub output_buffer_size: u64,
    /// `start_session_id`: the id of the first connection. Default 1.
    pub start_session_id: u64,
    /// `heartbeat_check_interval`: seconds between searches for idle connections; 0: none.
    pub heartbeat_check_interval: u32,
    /// `daemonize`: the server runs in the background.
    pub daemonize: bool,
    /// `log_file`; `None`: standard error.
    pub log_file: Option<PathBuf>,
    /// `log_level`: 0 debug, 1 trace, 2 info, 3 notice, 4 warning, 5 error, 6 none. Default 2.
    pub log_level: u8,
    /// `log_rotation`: the period of one log file.
    pub log_rotation: LogRotation,
    /// `log_date_format`, as of strftime(3).
    pub log_date_format: Option<String>,
    /// `log_date_with_microseconds`: dates have microseconds.
    pub log_date_with_microseconds: bool,
    /// `pid_file`: holds the master's process id while the server runs.
    pub pid_file: Option<PathBuf>,
    /// User code that holds the loop of a worker for longer is logged; `None`: it is not looked for. Only for programs in
    /// Rust: the extension has `swoole.blocking_detection`.
    pub blocking_detection: Option<Duration>,
    /// `user`: the user that workers run as.
    pub user: Option<String>,
    /// `group`: the group that workers run as.
    pub group: Option<String>,
    /// `chroot`: the workers' root directory.
    pub chroot: Option<PathBuf>,
    /// `open_cpu_affinity`: reactor threads and workers are bound to cores.
    pub open_cpu_affinity: bool,
    /// `cpu_affinity_ignore`: cores that are left to other programs.
    pub cpu_affinity_ignore: Vec<u32>,
}

impl Default for ServerConfig {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, |n| n.get() as u32);
        ServerConfig {
            reactor_num: cores.min(8),
            worker_num: cores,
            task_worker_num: 0,
            dispatch_mode: DispatchMode::default(),
            dispatch_func: None,
            enable_unsafe_event: false,
            discard_timeout_request: true,
            enable_delay_receive: false,
            max_form_length: 0,
            single_thread: false,
            max_conn: default_max_conn(),
            max_concurrency: 0,
            worker_max_concurrency: 0,
            max_queued_bytes: 0,
            max_request: 0,
            max_request_grace: 0,
            task_max_request: 0,
            task_max_request_grace: 0,
            reload_on_change: Vec::new(),
            reload_on_change_extensions: owned(&RELOAD_EXTENSIONS),
            reload_on_change_ignore: owned(&RELOAD_IGNORE),
            max_wait_time: Duration::from_secs(3),
            task_ipc: TaskIpc::default(),
            message_queue_key: 0,
            task_queue_bytes: 64 << 20,
            task_tmpdir: PathBuf::from("/tmp"),
            input_buffer_size: 1 << 20,
            upload_tmp_dir: PathBuf::from("/tmp"),
            output_buffer_size: u64::from(u32::MAX),
            start_session_id: 1,
            heartbeat_check_interval: 0,
            daemonize: false,
            log_file: None,
            log_level: 2,
            log_rotation: LogRotation::default(),
            log_date_format: None,
            log_date_with_microseconds: false,
            pid_file: None,
            blocking_detection: None,
            user: None,
            group: None,
            chroot: None,
            open_cpu_affinity: false,
            cpu_affinity_ignore: Vec::new(),
        }
    }
}

impl ServerConfig {
    /// The settings of the log.
    pub fn log(&self) -> LogConfig {
        LogConfig {
            file: self.log_file.clone(),
            level: self.log_level,
            rotation: self.log_rotation,
            date_format: self.log_date_format.clone(),
            microseconds: self.log_date_with_microseconds,
        }
    }
}

fn default_max_conn() -> u32 {
    descriptor_limit().min(100_000)
}

/// The number of descriptors that this process may open (the soft RLIMIT_NOFILE).
pub(crate) fn descriptor_limit() -> u32 {
    let soft =
        nix::sys::resource::getrlimit(nix::sys::resource::Resource::RLIMIT_NOFILE).map_or(1024, |(soft, _)| soft);
    u32::try_from(soft).unwrap_or(u32::MAX)
}

fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// Code, templates and settings of PHP programs.
const RELOAD_EXTENSIONS: [&str; 12] =
    ["php", "phtml", "inc", "html", "twig", "env", "ini", "json", "toml", "xml", "yaml", "yml"];
/// Folders that frameworks write to while they serve, and those whose many files nobody edits.
const RELOAD_IGNORE: [&str; 11] =
    [".git", ".idea", "cache", "log", "logs", "node_modules", "runtime", "storage", "tmp", "var", "vendor"];
