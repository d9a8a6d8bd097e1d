//! Settings of parts that this version does not have.

use super::rows::settings;
use crate::config::kind::{Kind, U32_MAX};
use crate::config::setting::{Setter, Target};

settings! { ABSENT in Target::Absent;
    /// Initial threads of the pool for blocking calls.
    aio_core_worker_num | min_thread_num | thread_num: COUNT, "none" => NO_POOL;
    /// The greatest number of threads of that pool.
    aio_worker_num | max_thread_num: COUNT, "none" => NO_POOL;
    /// The time after which an idle thread of that pool ends.
    aio_max_idle_time: SECONDS, "none" => NO_POOL;
    /// The time that a call waits before that pool grows.
    aio_max_wait_time: SECONDS, "none" => NO_POOL;
    /// Signals are read from a signalfd.
    enable_signalfd: Kind::Bool, "none" => NO_POOL;
    /// Entries of an io_uring.
    iouring_entries: COUNT, "none" => NO_POOL;
    /// Flags of an io_uring.
    iouring_flag: COUNT, "none" => NO_POOL;
    /// Kernel threads of an io_uring.
    iouring_workers: COUNT, "none" => NO_POOL;
    /// Reads and writes are tried without blocking first.
    socket_dontwait: Kind::Bool, "none" => NO_POOL;
    /// Names are resolved without a thread.
    use_async_resolver: Kind::Bool, "true" => Setter::Ignored("names are never resolved in a thread");
}

const NO_POOL: Setter = Setter::Ignored("there is no thread pool and no io_uring");
const COUNT: Kind = Kind::int(0, U32_MAX, "a number");
const SECONDS: Kind = Kind::Seconds { min: 0, max: U32_MAX };
