//! Settings, parsed once into typed values; an unknown or bad one is a named error before anything is forked.

pub use crate::tls::{NamedCertificate, TlsConfig, Versions};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
pub use swoosh_proto::framing::{Framing, LengthFraming, LengthFunc, LengthType};

/// How processes share the work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// Each worker accepts, reads and writes for itself (`SWOOLE_BASE`).
    #[default]
    Base = 1,
    /// Reactor threads in the master own the connections and hand requests to workers (`SWOOLE_PROCESS`).
    Process = 2,
}

/// Which worker gets a request (`dispatch_mode`). Modes 2, 4 and 5 keep the order within a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DispatchMode {
    /// 1: one after the other.
    RoundRobin = 1,
    /// 2: fixed by the connection's id.
    #[default]
    Connection = 2,
    /// 3: an idle worker first.
    Idle = 3,
    /// 4: fixed by the peer's address.
    Address = 4,
    /// 5: fixed by the uid that `bind` gave the connection, else by its id.
    Uid = 5,
    /// 6: only `dispatch_func` decides.
    User = 6,
    /// 7: whichever worker is free takes the next.
    Stream = 7,
    /// 8: the worker with the fewest connections, chosen once for each connection.
    ConnectionLoad = 8,
    /// 9: the worker with the fewest requests in hand.
    RequestLoad = 9,
    /// 10: the worker with the fewest running coroutines.
    Concurrency = 10,
}

/// How tasks travel to task workers (`task_ipc_mode`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TaskIpc {
    /// 1: shared memory, the task worker chosen by the sender.
    #[default]
    Direct = 1,
    /// 2: a System V queue, the task worker chosen by the sender.
    Queue = 2,
    /// 3: a System V queue, whichever task worker is free takes the next; a chosen one is not honoured.
    Preemptive = 3,
}

/// When the log file is renamed and begun anew (`log_rotation`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[allow(missing_docs)]
pub enum LogRotation {
    #[default]
    Single = 0,
    Monthly = 1,
    Daily = 2,
    Hourly = 3,
    EveryMinute = 4,
}

/// What a dispatch function answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dispatch {
    /// To this worker.
    Worker(u32),
    /// The packet is dropped (`SWOOLE_DISPATCH_RESULT_DISCARD_PACKET`).
    Discard,
    /// The connection is closed (`SWOOLE_DISPATCH_RESULT_CLOSE_CONNECTION`).
    Close,
    /// As the dispatch mode says (`SWOOLE_DISPATCH_RESULT_USERFUNC_FALLBACK`).
    Fallback,
}

/// `dispatch_func`: session id, event type (0 data, 4 close, 5 connect), the packet's bytes.
pub type DispatchFunc = Arc<dyn Fn(u64, u8, &[u8]) -> Dispatch + Send + Sync>;

/// Settings of the whole server.
#[derive(Clone)]
pub struct ServerConfig {
    /// `reactor_num`: reactor threads, 1 to 256. Default: the cores, 8 at most.
    pub reactor_num: u32,
    /// `worker_num`: 1 to 1000 times the cores. Default: the cores.
    pub worker_num: u32,
    /// `task_worker_num`: 0 to 1000 times the cores. Default 0.
    pub task_worker_num: u32,
    /// `dispatch_mode`.
    pub dispatch_mode: DispatchMode,
    /// `dispatch_func`.
    pub dispatch_func: Option<DispatchFunc>,
    /// `enable_unsafe_event`: connect and close events in modes 1, 3 and 7 too.
    pub enable_unsafe_event: bool,
    /// `discard_timeout_request`: drop requests of connections that are closed by now. Default true.
    pub discard_timeout_request: bool,
    /// `enable_delay_receive`: nothing is read from a connection before `confirm`.
    pub enable_delay_receive: bool,
    /// `single_thread`: the reactor runs in the master's own thread.
    pub single_thread: bool,
    /// `max_conn` (`max_connection`): connections at once. Default: the descriptor limit, 100,000 at most.
    pub max_conn: u32,
    /// `max_concurrency`: requests of HTTP in hand at once, over all workers; more are answered 503. 0: any number.
    pub max_concurrency: u32,
    /// `worker_max_concurrency`: requests that one worker handles at once; more wait in line. 0: any number.
    pub worker_max_concurrency: u32,
    /// `max_queued_bytes`: a connection is not read while more of its bytes than that wait for user code. 0: nothing is
    /// said, see [`queued_bytes_limit`](Self::queued_bytes_limit).
    pub max_queued_bytes: u64,
    /// `max_request`: requests after which a worker is replaced; 0: never.
    pub max_request: u32,
    /// `max_request_grace`: up to that many more, at random, so that workers do not end together.
    pub max_request_grace: u32,
    /// `task_max_request`: the same for task workers.
    pub task_max_request: u32,
    /// `task_max_request_grace`.
    pub task_max_request_grace: u32,
    /// `max_wait_time`: how long an ending worker may take before it is killed. Default 3 s.
    pub max_wait_time: Duration,
    /// `task_ipc_mode`.
    pub task_ipc: TaskIpc,
    /// `message_queue_key`: key of the System V queue; 0: a private one.
    pub message_queue_key: i32,
    /// `task_tmpdir`: where large payloads of tasks and messages are spilled. Default `/tmp`.
    pub task_tmpdir: PathBuf,
    /// `input_buffer_size` (`buffer_input_size`): the longest request of HTTP that is kept in memory, bytes. The body of a
    /// longer one is written to a file as it comes. Default 1 MiB.
    pub input_buffer_size: u64,
    /// `upload_tmp_dir`: where such files are made; they have no names there. Default `/tmp`.
    pub upload_tmp_dir: PathBuf,
    /// `buffer_output_size` (`output_buffer_size`): the longest single `send`, bytes. Default: no bound but 4 GiB.
    pub output_buffer_size: u64,
    /// `start_session_id`: the first connection's id. Default 1.
    pub start_session_id: u64,
    /// `heartbeat_check_interval`: seconds between looks for idle connections; 0: none.
    pub heartbeat_check_interval: u32,
    /// `daemonize`.
    pub daemonize: bool,
    /// `log_file`; `None`: standard error.
    pub log_file: Option<PathBuf>,
    /// `log_level`: 0 debug, 1 trace, 2 info, 3 notice, 4 warning, 5 error, 6 none. Default 2.
    pub log_level: u8,
    /// `log_rotation`.
    pub log_rotation: LogRotation,
    /// `log_date_format`, in the messages of strftime(3).
    pub log_date_format: Option<String>,
    /// `log_date_with_microseconds`.
    pub log_date_with_microseconds: bool,
    /// `pid_file`: holds the master's process id while the server runs.
    pub pid_file: Option<PathBuf>,
    /// `user`: whose rights workers have.
    pub user: Option<String>,
    /// `group`.
    pub group: Option<String>,
    /// `chroot`: the workers' root directory.
    pub chroot: Option<PathBuf>,
    /// `open_cpu_affinity`: bind reactor threads and workers to cores.
    pub open_cpu_affinity: bool,
    /// `cpu_affinity_ignore`: cores to leave alone.
    pub cpu_affinity_ignore: Vec<u32>,
}

/// Settings of one port.
#[derive(Clone)]
pub struct PortConfig {
    /// `backlog` of listen(2). Default 511.
    pub backlog: i32,
    /// `enable_reuse_port`: SO_REUSEPORT.
    pub reuse_port: bool,
    /// How bytes become packets.
    pub framing: Framing,
    /// `package_max_length`: the longest packet, bytes. Default 2 MiB.
    pub package_max_length: u64,
    /// `socket_buffer_size`: bytes that may wait for a peer that does not read. Default 8 MiB.
    pub socket_buffer_size: u64,
    /// `buffer_high_watermark`: `bufferFull` above; 0: 80 % of `socket_buffer_size`.
    pub high_watermark: u64,
    /// `buffer_low_watermark`: `bufferEmpty` at or below. Default 0.
    pub low_watermark: u64,
    /// `heartbeat_idle_time` (`max_idle_time`): seconds without a byte received after which a connection is closed;
    /// 0: never.
    pub heartbeat_idle_time: u32,
    /// `slow_consumer`: what becomes of a peer that is sent more than `socket_buffer_size` and does not read. Default
    /// [`SlowConsumer::Drop`].
    pub slow_consumer: SlowConsumer,
    /// `http_header_timeout`: how long the head of a request of HTTP may take from its first byte on, and a new
    /// connection until its first request is there; 408 answers what takes longer (RFC 9110 section 15.5.9). Default
    /// 60 s; zero: for ever.
    pub http_header_timeout: Duration,
    /// `http_body_timeout`: how long the body of a request may pause. Default 60 s; zero: for ever.
    pub http_body_timeout: Duration,
    /// `open_tcp_nodelay`. Default true.
    pub tcp_nodelay: bool,
    /// `open_tcp_keepalive`.
    pub tcp_keepalive: bool,
    /// `tcp_keepidle`: seconds; 0: the kernel's.
    pub tcp_keepidle: u32,
    /// `tcp_keepinterval`: seconds; 0: the kernel's.
    pub tcp_keepinterval: u32,
    /// `tcp_keepcount`; 0: the kernel's.
    pub tcp_keepcount: u32,
    /// `tcp_user_timeout`: milliseconds; 0: the kernel's.
    pub tcp_user_timeout: u32,
    /// `tcp_defer_accept`: seconds; 0: off.
    pub tcp_defer_accept: u32,
    /// `tcp_fastopen`.
    pub tcp_fastopen: bool,
    /// `kernel_socket_recv_buffer_size`: bytes; 0: the kernel's.
    pub recv_buffer: u32,
    /// `kernel_socket_send_buffer_size`: bytes; 0: the kernel's.
    pub send_buffer: u32,
    /// The port speaks TLS, and how.
    pub tls: Option<TlsConfig>,
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
            single_thread: false,
            max_conn: default_max_conn(),
            max_concurrency: 0,
            worker_max_concurrency: 0,
            max_queued_bytes: 0,
            max_request: 0,
            max_request_grace: 0,
            task_max_request: 0,
            task_max_request_grace: 0,
            max_wait_time: Duration::from_secs(3),
            task_ipc: TaskIpc::default(),
            message_queue_key: 0,
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
            user: None,
            group: None,
            chroot: None,
            open_cpu_affinity: false,
            cpu_affinity_ignore: Vec::new(),
        }
    }
}

/// What becomes of a peer that does not read what it is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SlowConsumer {
    /// What does not fit is refused, and whoever sends it is told. An answer of HTTP whose end is refused ends with its
    /// connection: nothing may come in its place.
    Drop,
    /// So too, and the connection is reset: a peer that misses a message sees that it does.
    Close,
}

impl Default for PortConfig {
    fn default() -> Self {
        PortConfig {
            backlog: 511,
            reuse_port: false,
            framing: Framing::None,
            package_max_length: 2 << 20,
            socket_buffer_size: 8 << 20,
            high_watermark: 0,
            low_watermark: 0,
            heartbeat_idle_time: 0,
            slow_consumer: SlowConsumer::Drop,
            http_header_timeout: Duration::from_secs(60),
            http_body_timeout: Duration::from_secs(60),
            tcp_nodelay: true,
            tcp_keepalive: false,
            tcp_keepidle: 0,
            tcp_keepinterval: 0,
            tcp_keepcount: 0,
            tcp_user_timeout: 0,
            tcp_defer_accept: 0,
            tcp_fastopen: false,
            recv_buffer: 0,
            send_buffer: 0,
            tls: None,
        }
    }
}

fn default_max_conn() -> u32 {
    descriptor_limit().min(100_000)
}

/// Descriptors that this process may have open (RLIMIT_NOFILE, the soft limit).
pub(crate) fn descriptor_limit() -> u32 {
    let soft =
        nix::sys::resource::getrlimit(nix::sys::resource::Resource::RLIMIT_NOFILE).map_or(1024, |(soft, _)| soft);
    u32::try_from(soft).unwrap_or(u32::MAX)
}
