//! Sockets whose operations suspend the coroutine instead of blocking.
//!
//! Invariant: at most one coroutine waits for each direction; a second one gets a fatal error, because neither could know
//! which part of the stream is its own. Each operation is tried first and waits only if it would block.

use super::scheduler::{current_id, expect_current};
use super::switch::wake_from;
use super::tls_session::Tls;
use super::types::WaitKind;
use super::wait;
use super::wait::WaitOutcome;
use crate::runtime::reactor;
use crate::runtime::reactor::Watch;
use socket2::{Domain, Protocol, SockAddr, Socket, Type};
use std::cell::{Cell, RefCell};
use std::io;
use std::os::fd::{AsRawFd, RawFd};
use std::task::Poll;
use std::time::{Duration, Instant};
use swoosh::sys::socket;
use swoosh_zend::PhpResult;
use swoosh_zend::error::fatal;
use tokio::io::Interest;

/// An open non-blocking socket.
pub struct CoroutineSocket {
    // Declared before `socket`, so that the registration is dropped before the descriptor is closed.
    pub(super) watch: RefCell<Option<Watch>>,
    pub(super) socket: Socket,
    /// Whether it is a TCP socket, where a short read means that the receive buffer is empty.
    pub(super) is_tcp: bool,
    /// The TLS session, once TLS is started.
    pub(super) tls: RefCell<Option<Box<Tls>>>,
    reader: Waiter,
    writer: Waiter,
    closed: Cell<bool>,
    /// The last read has emptied the receive buffer: another read would block until the event queue reports more.
    pub(super) drained: Cell<bool>,
}

/// The coroutine that waits for one direction.
#[derive(Default)]
struct Waiter {
    /// Its id, and the token that wakes it.
    bound: Cell<Option<(u64, u64)>>,
    /// Its wait was cancelled by `cancel` or `close`.
    cancelled: Cell<bool>,
}

/// A direction of transfer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Receiving.
    Read,
    /// Sending.
    Write,
}

/// Bounds an operation of several steps by one timeout. Reads the clock only if there is one.
pub struct Deadline(Option<Instant>);

impl Deadline {
    /// The deadline of an operation that starts now; without a `limit` there is none.
    pub fn new(limit: Option<Duration>) -> Self {
        Deadline(limit.map(|limit| Instant::now() + limit))
    }

    /// The remaining time, `None` without a deadline. Fails with ETIMEDOUT once it has passed.
    pub fn remaining(&self) -> Result<Option<Duration>, ErrorCode> {
        let Some(end) = self.0 else { return Ok(None) };
        match end.saturating_duration_since(Instant::now()) {
            Duration::ZERO => Err(libc::ETIMEDOUT),
            left => Ok(Some(left)),
        }
    }
}

/// Whether domain and type are those of TCP. Unix streams are excluded: their reads end at messages with descriptors.
fn is_tcp(domain: i32, kind: i32) -> bool {
    matches!(domain, libc::AF_INET | libc::AF_INET6) && kind == libc::SOCK_STREAM
}

/// Whether the next address should be tried after this result: not if the socket was closed or the wait cancelled.
pub fn should_try_next_address<T>(connected: &Result<T, ErrorCode>) -> bool {
    !matches!(connected, Ok(_) | Err(libc::ECANCELED | libc::EBADF))
}

/// An errno value or a `SWOOLE_ERROR_*` code, as in `errCode`.
pub type ErrorCode = i32;

impl CoroutineSocket {
    /// A new socket.
    pub fn new(domain: i32, kind: i32, protocol: i32) -> io::Result<Self> {
        let protocol = (protocol != 0).then(|| Protocol::from(protocol));
        let socket = Socket::new(Domain::from(domain), Type::from(kind).nonblocking(), protocol)?;
        let is_tcp = is_tcp(domain, kind);
        if is_tcp {
            // Nagle's algorithm would hold a small piece back until the peer's delayed ACK, 40 ms later. Accepted
            // sockets inherit the option from their listener.
            socket.set_tcp_nodelay(true)?;
        }
        Ok(Self::with(socket, is_tcp))
    }

    /// Wraps a non-blocking socket.
    pub fn from_socket(socket: Socket) -> Self {
        let kind = socket.domain().and_then(|domain| Ok((domain, socket.r#type()?)));
        let is_tcp = kind.is_ok_and(|(domain, kind)| is_tcp(domain.into(), kind.into()));
        Self::with(socket, is_tcp)
    }

    fn with(socket: Socket, is_tcp: bool) -> Self {
        CoroutineSocket {
            watch: RefCell::new(None),
            is_tcp,
            socket,
            tls: RefCell::new(None),
            reader: Waiter::default(),
            writer: Waiter::default(),
            closed: Cell::new(false),
            drained: Cell::new(false),
        }
    }

    /// The socket itself.
    pub fn socket(&self) -> &Socket {
        &self.socket
    }

    /// Its descriptor.
    pub fn fd(&self) -> RawFd {
        self.socket.as_raw_fd()
    }

    /// Makes the close a reset: the peer sees that what it has received is not complete.
    pub fn reset_on_close(&self) {
        // Fails on sockets that have no reset, such as Unix sockets.
        let _ = self.socket().set_linger(Some(Duration::ZERO));
    }

    /// The id of the coroutine that waits for a direction.
    pub fn bound(&self, direction: Direction) -> Option<u64> {
        self.waiter(direction).bound.get().map(|(id, _)| id)
    }

    fn waiter(&self, direction: Direction) -> &Waiter {
        match direction {
            Direction::Read => &self.reader,
            Direction::Write => &self.writer,
        }
    }

    /// Repeats `step`, waiting in between, until it does not return `WouldBlock`.
    pub fn retry<T>(
        &self,
        direction: Direction,
        limit: Option<Duration>,
        mut step: impl FnMut() -> io::Result<T>,
    ) -> PhpResult<Result<T, ErrorCode>> {
        let deadline = Deadline::new(limit);
        loop {
            self.check(direction)?;
            if self.is_closed() {
                // The descriptor may still be open, because this operation holds a reference.
                return Ok(Err(libc::EBADF));
            }
            if direction == Direction::Read && self.is_drained() {
                let waited = match deadline.remaining() {
                    Ok(left) => self.wait_for_event(direction, left)?,
                    timed_out => timed_out.map(drop),
                };
                if let Err(code) = waited {
                    return Ok(Err(code));
                }
            }
            match step() {
                Ok(value) => return Ok(Ok(value)),
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => {
                    let waited = match deadline.remaining() {
                        Ok(left) => self.wait(direction, left)?,
                        timed_out => timed_out.map(drop),
                    };
                    if let Err(code) = waited {
                        return Ok(Err(code));
                    }
                }
                Err(e) => return Ok(Err(e.raw_os_error().unwrap_or(libc::EIO))),
            }
        }
    }

    /// Whether `close` was called.
    pub fn is_closed(&self) -> bool {
        self.closed.get()
    }

    /// A fatal error if another coroutine waits for the direction.
    fn check(&self, direction: Direction) -> PhpResult<()> {
        let Some((other, _)) = self.waiter(direction).bound.get() else { return Ok(()) };
        let operation = if direction == Direction::Read { "reading" } else { "writing" };
        // Swoole's text, which log filters match on.
        Err(fatal(&format!(
            "Socket#{} has already been bound to another coroutine#{other}, {operation} of the same socket in \
             coroutine#{} at the same time is not allowed",
            self.fd(),
            current_id().unwrap_or(0)
        )))
    }

    /// Waits until the socket is readable or writable.
    pub fn wait(&self, direction: Direction, limit: Option<Duration>) -> PhpResult<Result<(), ErrorCode>> {
        if let Err(e) = self.clear_ready(direction) {
            return Ok(Err(e.raw_os_error().unwrap_or(libc::EIO)));
        }
        self.wait_for_event(direction, limit)
    }

    /// Registers the socket with the event queue, unless it is.
    pub(super) fn ensure_watch(&self) -> io::Result<()> {
        if !self.watch.borrow().as_ref().is_some_and(Watch::is_current) {
            *self.watch.borrow_mut() = Some(Watch::new(self.fd(), Interest::READABLE | Interest::WRITABLE)?);
        }
        Ok(())
    }

    /// Clears a direction's readiness, after it would have blocked.
    pub(super) fn clear_ready(&self, direction: Direction) -> io::Result<()> {
        self.ensure_watch()?;
        if let Some(watch) = &*self.watch.borrow() {
            match direction {
                Direction::Read => watch.clear_read_ready(),
                Direction::Write => watch.clear_write_ready(),
            }
        }
        Ok(())
    }

    /// Like [`wait`](Self::wait), after the readiness was cleared.
    fn wait_for_event(&self, direction: Direction, limit: Option<Duration>) -> PhpResult<Result<(), ErrorCode>> {
        let coroutine = expect_current()?;
        let waiter = self.waiter(direction);
        waiter.cancelled.set(false);
        let waited = wait::poll(WaitKind::Io, limit, |cx| {
            if waiter.cancelled.get() {
                return Poll::Ready(());
            }
            waiter.bound.set(Some((coroutine.id(), coroutine.next_token())));
            match (&*self.watch.borrow(), direction) {
                (Some(watch), Direction::Read) => watch.poll_read(cx),
                (Some(watch), Direction::Write) => watch.poll_write(cx),
                (None, _) => Poll::Ready(()),
            }
        });
        waiter.bound.set(None);
        Ok(match waited? {
            // Cancelled by `cancel` or by `close`.
            _ if self.closed.get() || waiter.cancelled.get() => Err(libc::ECANCELED),
            WaitOutcome::Done(()) => Ok(()),
            // A loop that is late finds the timeout before the event, which another coroutine may have caused just now.
            WaitOutcome::TimedOut if self.is_ready(direction) => Ok(()),
            WaitOutcome::TimedOut => Err(libc::ETIMEDOUT),
            WaitOutcome::Cancelled => Err(libc::ECANCELED),
        })
    }

    /// Whether the kernel has data, or room, now.
    fn is_ready(&self, direction: Direction) -> bool {
        wait::ready_now(self.fd(), direction == Direction::Read, direction == Direction::Write).is_some()
    }

    /// Ends the wait for a direction with ECANCELED; the waiting coroutine runs before this returns. False if none waits.
    pub fn cancel(&self, direction: Direction) -> PhpResult<bool> {
        let waiter = self.waiter(direction);
        let Some((id, token)) = waiter.bound.get() else { return Ok(false) };
        waiter.cancelled.set(true);
        wake_from(id, reactor::token_wait_number(token))?;
        Ok(true)
    }

    /// Closes the socket. Ends all waits with ECANCELED; the waiting coroutines run before this returns.
    pub fn close(&self) -> PhpResult<()> {
        self.send_close_notify();
        self.closed.set(true);
        self.cancel(Direction::Read)?;
        self.cancel(Direction::Write)?;
        if self.bound(Direction::Read).is_some() || self.bound(Direction::Write).is_some() {
            // Their references keep the descriptor open, so the connection is shut down explicitly.
            let _ = self.socket.shutdown(std::net::Shutdown::Both);
        }
        Ok(())
    }

    /// Connects to the first of several addresses that accepts; `limit` applies to each.
    pub fn connect_to_any(&self, addresses: &[SockAddr], limit: Option<Duration>) -> PhpResult<Result<(), ErrorCode>> {
        let mut connected = Err(libc::EHOSTUNREACH);
        for (n, address) in addresses.iter().enumerate() {
            if n > 0 {
                // Readiness from the previous address must not be taken for this one's.
                drop(self.watch.take());
                if let Err(e) = socket::disconnect(self.fd()) {
                    return Ok(Err(e.raw_os_error().unwrap_or(libc::EIO)));
                }
            }
            connected = self.connect(address, limit)?;
            if !should_try_next_address(&connected) {
                break;
            }
        }
        Ok(connected)
    }

    /// Connects.
    pub fn connect(&self, address: &SockAddr, limit: Option<Duration>) -> PhpResult<Result<(), ErrorCode>> {
        self.check(Direction::Write)?;
        match self.socket.connect(address) {
            Ok(()) => return Ok(Ok(())),
            Err(e) if e.raw_os_error() == Some(libc::EINPROGRESS) => {}
            Err(e) => return Ok(Err(e.raw_os_error().unwrap_or(libc::EIO))),
        }
        if let Err(code) = self.wait(Direction::Write, limit)? {
            return Ok(Err(code));
        }
        Ok(match self.socket.take_error() {
            Ok(None) => Ok(()),
            Ok(Some(e)) | Err(e) => Err(e.raw_os_error().unwrap_or(libc::EIO)),
        })
    }

    /// Accepts a connection.
    pub fn accept(&self, limit: Option<Duration>) -> PhpResult<Result<CoroutineSocket, ErrorCode>> {
        let accepted = self.retry(Direction::Read, limit, || socket::accept(&self.socket))?;
        Ok(accepted.map(|socket| CoroutineSocket::with(socket, self.is_tcp)))
    }

    /// Whether a read would certainly block. Resets the flag, so that the next read is tried.
    pub(super) fn is_drained(&self) -> bool {
        self.drained.take()
            && self.tls.borrow().is_none()
            && self.watch.borrow().as_ref().is_some_and(|watch| watch.is_current() && !watch.can_read())
    }
}
