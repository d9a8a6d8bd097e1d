//! The ways in which messages reach workers.

/// The way in which messages reach the workers of a pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Ipc {
    /// None.
    #[default]
    None,
    /// Each worker has a pair of Unix sockets; [`Worker::send`](super::Worker::send) and
    /// [`Supervisor::send`](super::Supervisor::send) address one worker.
    UnixSocket,
    /// Clients of [`Pool::listen`](super::Pool::listen): a message is four bytes of length, big-endian, and that many bytes.
    /// The worker's [reply](super::Message::reply) has the same form, and then the connection is closed.
    Socket,
    /// The System V message queue with this key, which any process may send to; 0: a private queue. Each message goes to the
    /// first worker that is free.
    Queue(i32),
}
