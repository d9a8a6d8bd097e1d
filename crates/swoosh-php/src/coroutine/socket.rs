//! A socket on which coroutines wait: one reads and one writes at a time.
//!
//! Each step is tried first; only what finds nothing, or no room, waits.

use super::scheduler::{current_id, expect_current};
use super::tls_session::Tls;
use super::types::Wait;
use super::wait;
use super::wait::Outside;
use crate::runtime::reactor;
use crate::runtime::reactor::Watch;
use socket2::{Domain, Protocol, SockAddr, Socket, Type};
use std::cell::{Cell, RefCell};
use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::fs::FileExt;
use std::task::Poll;
use std::time::{Duration, Instant};
use swoosh::sys::socket;
use swoosh_zend::error::fatal;
use swoosh_zend::{PhpResult, ZStr};
use tokio::io::Interest;

/// An open socket, which does not block.
pub struct Link {
    // Before the descriptor is closed, the event queue forgets it.
    watch: RefCell<Option<Watch>>,
    socket: Socket,
    /// TCP: a read that gives less than was asked for took all there was.
    is_tcp: bool,
    /// What seals its bytes, once it speaks TLS.
    pub(super) tls: RefCell<Option<Box<Tls>>>,
    readers: Side,
    writers: Side,
    closed: Cell<bool>,
    /// The last read took all there was: until the event queue tells of more, another one would find nothing.
    dry: Cell<bool>,
}

/// Who waits for one direction.
#[derive(Default)]
struct Side {
    /// The coroutine, and the token that wakes it.
    bound: Cell<Option<(u64, u64)>>,
    /// Its wait was cancelled by `cancel` or `close`.
    cancelled: Cell<bool>,
}

/// Which way bytes go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// In.
    Read,
    /// Out.
    Write,
}

/// Bounds a call of several steps by one timeout. The clock is read only where there is a timeout.
pub struct Deadline(Option<Instant>);

impl Deadline {
    /// The deadline of a call that begins now; `None`: none.
    pub fn new(limit: Option<Duration>) -> Self {
        Deadline(limit.map(|limit| Instant::now() + limit))
    }

    /// The time left, `None` where there is no deadline. Fails with ETIMEDOUT behind it.
    pub fn left(&self) -> Result<Option<Duration>, Code> {
        let Some(end) = self.0 else { return Ok(None) };
        match end.saturating_duration_since(Instant::now()) {
            Duration::ZERO => Err(libc::ETIMEDOUT),
            left => Ok(Some(left)),
        }
    }
}

/// Lends a buffer for one system call, so that none is made and cleared for each. It is out of its place meanwhile: a fatal
/// error may jump out of `read`.
fn scratch<T>(most: usize, read: impl FnOnce(&mut [u8]) -> io::Result<T>) -> io::Result<T> {
    thread_local! {
        static BUFFER: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
    }
    let mut buffer = BUFFER.take();
    if buffer.len() < most {
        buffer.resize(most, 0);
    }
    let result = read(&mut buffer[..most]);
    if buffer.len() <= KEPT {
        BUFFER.set(buffer);
    }
    result
}

/// Whether these are TCP. (A read of a Unix stream ends before a message that carries descriptors.)
fn is_tcp(domain: i32, kind: i32) -> bool {
    matches!(domain, libc::AF_INET | libc::AF_INET6) && kind == libc::SOCK_STREAM
}

/// Bytes of a file given to the kernel at once.
const FILE_PIECE: usize = 1 << 20;
/// The buffer that is kept for the next call at most.
const KEPT: usize = 1 << 20;

/// Whether another address may do what this one did not: not where nobody wants it any more.
pub fn is_elsewhere<T>(connected: &Result<T, Code>) -> bool {
    !matches!(connected, Ok(_) | Err(libc::ECANCELED | libc::EBADF))
}

/// The number of a system error, as `errCode` shows it.
pub type Code = i32;

impl Link {
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

    /// A socket that does not block.
    pub fn of(socket: Socket) -> Self {
        let kind = socket.domain().and_then(|domain| Ok((domain, socket.r#type()?)));
        let is_tcp = kind.is_ok_and(|(domain, kind)| is_tcp(domain.into(), kind.into()));
        Self::with(socket, is_tcp)
    }

    fn with(socket: Socket, is_tcp: bool) -> Self {
        Link {
            watch: RefCell::new(None),
            is_tcp,
            socket,
            tls: RefCell::new(None),
            readers: Side::default(),
            writers: Side::default(),
            closed: Cell::new(false),
            dry: Cell::new(false),
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

    /// Which coroutine waits for that direction.
    pub fn bound(&self, direction: Direction) -> Option<u64> {
        self.side(direction).bound.get().map(|(id, _)| id)
    }

    fn side(&self, direction: Direction) -> &Side {
        match direction {
            Direction::Read => &self.readers,
            Direction::Write => &self.writers,
        }
    }

    /// Tries a step again and again until it does not say that it would block.
    pub fn retry<T>(
        &self,
        direction: Direction,
        limit: Option<Duration>,
        mut step: impl FnMut() -> io::Result<T>,
    ) -> PhpResult<Result<T, Code>> {
        let deadline = Deadline::new(limit);
        loop {
            self.check(direction)?;
            if self.is_closed() {
                // The descriptor may be open still, held by this caller.
                return Ok(Err(libc::EBADF));
            }
            if direction == Direction::Read && self.is_dry() {
                let waited = match deadline.left() {
                    Ok(left) => self.wait_for_news(direction, left)?,
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
                    let waited = match deadline.left() {
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

    /// A fatal error where another coroutine waits for that direction already.
    fn check(&self, direction: Direction) -> PhpResult<()> {
        let Some((other, _)) = self.side(direction).bound.get() else { return Ok(()) };
        let what = if direction == Direction::Read { "read" } else { "written" };
        let me = current_id().map_or_else(|| "this code".to_owned(), |id| format!("coroutine {id}"));
        Err(fatal(&format!(
            "socket {} is being {what} by coroutine {other} already: {me} cannot do so at the same time",
            self.fd()
        )))
    }

    /// Waits until it is worth trying again.
    pub fn wait(&self, direction: Direction, limit: Option<Duration>) -> PhpResult<Result<(), Code>> {
        if !self.watch.borrow().as_ref().is_some_and(Watch::is_current) {
            match Watch::new(self.fd(), Interest::READABLE | Interest::WRITABLE) {
                Ok(watch) => *self.watch.borrow_mut() = Some(watch),
                Err(e) => return Ok(Err(e.raw_os_error().unwrap_or(libc::EIO))),
            }
        }
        if let Some(watch) = &*self.watch.borrow() {
            match direction {
                Direction::Read => watch.forget_read(),
                Direction::Write => watch.forget_write(),
            }
        }
        self.wait_for_news(direction, limit)
    }

    /// The same, where what the event queue told of before has been forgotten.
    fn wait_for_news(&self, direction: Direction, limit: Option<Duration>) -> PhpResult<Result<(), Code>> {
        let coroutine = expect_current()?;
        let side = self.side(direction);
        side.cancelled.set(false);
        let waited = wait::poll(Wait::Io, limit, |cx| {
            if side.cancelled.get() {
                return Poll::Ready(());
            }
            side.bound.set(Some((coroutine.id, coroutine.next_token())));
            match (&*self.watch.borrow(), direction) {
                (Some(watch), Direction::Read) => watch.poll_read(cx),
                (Some(watch), Direction::Write) => watch.poll_write(cx),
                (None, _) => Poll::Ready(()),
            }
        });
        side.bound.set(None);
        Ok(match waited? {
            // Cancelled by `cancel` or by `close`.
            _ if self.closed.get() || side.cancelled.get() => Err(libc::ECANCELED),
            Outside::Done(()) => Ok(()),
            Outside::TimedOut => Err(libc::ETIMEDOUT),
            Outside::Cancelled => Err(libc::ECANCELED),
        })
    }

    /// Ends the wait of the coroutine that waits for that direction, with ECANCELED; it runs before this returns.
    /// False if none waits.
    pub fn cancel(&self, direction: Direction) -> PhpResult<bool> {
        let side = self.side(direction);
        let Some((id, token)) = side.bound.get() else { return Ok(false) };
        side.cancelled.set(true);
        super::wake_from(id, reactor::wait_of(token))?;
        Ok(true)
    }

    /// Ends all waits, with ECANCELED: the waiting coroutines run before this returns.
    pub fn close(&self) -> PhpResult<()> {
        self.say_goodbye();
        self.closed.set(true);
        self.cancel(Direction::Read)?;
        self.cancel(Direction::Write)?;
        if self.bound(Direction::Read).is_some() || self.bound(Direction::Write).is_some() {
            // They hold it still: the peer is told at once.
            let _ = self.socket.shutdown(std::net::Shutdown::Both);
        }
        Ok(())
    }

    /// Connects to the first of several addresses that takes it; each has `limit`.
    pub fn connect_to_any(&self, addresses: &[SockAddr], limit: Option<Duration>) -> PhpResult<Result<(), Code>> {
        let mut connected = Err(libc::EHOSTUNREACH);
        for (n, address) in addresses.iter().enumerate() {
            if n > 0 {
                // What was said of the address before is not to be taken for an answer of this one.
                drop(self.watch.take());
                if let Err(e) = socket::disconnect(self.fd()) {
                    return Ok(Err(e.raw_os_error().unwrap_or(libc::EIO)));
                }
            }
            connected = self.connect(address, limit)?;
            if !is_elsewhere(&connected) {
                break;
            }
        }
        Ok(connected)
    }

    /// Connects.
    pub fn connect(&self, address: &SockAddr, limit: Option<Duration>) -> PhpResult<Result<(), Code>> {
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
    pub fn accept(&self, limit: Option<Duration>) -> PhpResult<Result<Link, Code>> {
        let accepted = self.retry(Direction::Read, limit, || socket::accept(&self.socket))?;
        Ok(accepted.map(|socket| Link::with(socket, self.is_tcp)))
    }

    /// Reads what has come, at most so many bytes; none is the end.
    pub fn recv(&self, most: usize, limit: Option<Duration>) -> PhpResult<Result<ZStr, Code>> {
        if let Err(code) = self.shaken(limit)? {
            return Ok(Err(code));
        }
        self.retry(Direction::Read, limit, || self.recv_now(most))
    }

    /// The same, of what is there at this moment.
    pub fn recv_now(&self, most: usize) -> io::Result<ZStr> {
        scratch(most, |buffer| {
            let read = self.read(buffer)?;
            Ok(ZStr::new(&buffer[..read]))
        })
    }

    /// The same, and leaves it there.
    pub fn peek_now(&self, most: usize) -> io::Result<ZStr> {
        scratch(most, |buffer| {
            let seen = self.peek(buffer)?;
            Ok(ZStr::new(&buffer[..seen]))
        })
    }

    /// Adds what has come to a buffer, at most so many bytes; how many, 0 is the end.
    pub fn read_into(&self, to: &mut Vec<u8>, most: usize, limit: Option<Duration>) -> PhpResult<Result<usize, Code>> {
        if let Err(code) = self.shaken(limit)? {
            return Ok(Err(code));
        }
        self.retry(Direction::Read, limit, || {
            scratch(most, |buffer| {
                let read = self.read(buffer)?;
                to.extend_from_slice(&buffer[..read]);
                Ok(read)
            })
        })
    }

    /// Reads one datagram, and who sent it.
    pub fn recv_from(&self, most: usize, limit: Option<Duration>) -> PhpResult<Result<(ZStr, SockAddr), Code>> {
        self.retry(Direction::Read, limit, || self.recv_from_now(most))
    }

    /// The same, where one is there at this moment.
    pub fn recv_from_now(&self, most: usize) -> io::Result<(ZStr, SockAddr)> {
        scratch(most, |buffer| {
            let (read, from) = socket::recv_from(self.fd(), buffer)?;
            Ok((ZStr::new(&buffer[..read]), from))
        })
    }

    /// Looks at what has come without taking it, and without waiting; none is the end.
    pub fn peek(&self, buffer: &mut [u8]) -> io::Result<usize> {
        match &mut *self.tls.borrow_mut() {
            None => socket::peek(self.fd(), buffer),
            Some(tls) => tls.peek(self.fd(), buffer),
        }
    }

    fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        match &mut *self.tls.borrow_mut() {
            None => {
                let read = socket::recv(self.fd(), buffer)?;
                if self.is_tcp && 0 < read && read < buffer.len() {
                    self.note_dry();
                }
                Ok(read)
            }
            Some(tls) => tls.read(self.fd(), buffer),
        }
    }

    /// A read took all there was. What comes from now on, the end of the stream too, the event queue tells (epoll(7), on
    /// edge-triggered descriptors and partial reads).
    fn note_dry(&self) {
        if let Some(watch) = &*self.watch.borrow() {
            watch.forget_read();
            self.dry.set(true);
        }
    }

    /// Whether a read would find nothing for certain. Asked once for each such read.
    fn is_dry(&self) -> bool {
        self.dry.take()
            && self.tls.borrow().is_none()
            && self.watch.borrow().as_ref().is_some_and(|watch| watch.is_current() && !watch.can_read())
    }

    /// Writes a file's bytes from `offset` to `end`. How far it came: less than `end` where the file has become shorter.
    pub fn send_part(
        &self,
        file: &File,
        mut offset: u64,
        end: u64,
        limit: Option<Duration>,
    ) -> PhpResult<Result<u64, Code>> {
        let deadline = Deadline::new(limit);
        while offset < end {
            let left = match deadline.left() {
                Ok(left) => left,
                Err(code) => return Ok(Err(code)),
            };
            let most = usize::try_from(end - offset).unwrap_or(usize::MAX).min(FILE_PIECE);
            match self.send_file(file, &mut offset, most, left)? {
                Ok(0) => break,
                Ok(_) => {}
                Err(code) => return Ok(Err(code)),
            }
        }
        Ok(Ok(offset))
    }

    /// Writes what there is room for of a file's bytes from `offset`, which moves on; 0: there are no more.
    fn send_file(
        &self,
        file: &File,
        offset: &mut u64,
        most: usize,
        limit: Option<Duration>,
    ) -> PhpResult<Result<usize, Code>> {
        if !self.is_sealed() {
            return self.retry(Direction::Write, limit, || socket::send_file(self.fd(), file, offset, most));
        }
        let mut piece = vec![0; most.min(KEPT)];
        let read = match file.read_at(&mut piece, *offset) {
            Ok(read) => read,
            Err(e) => return Ok(Err(e.raw_os_error().unwrap_or(libc::EIO))),
        };
        let (sent, code) = self.send_all(&piece[..read], limit)?;
        *offset += sent as u64;
        Ok(code.map_or(Ok(sent), Err))
    }

    /// Writes what there is room for.
    pub fn send(&self, bytes: &[u8], limit: Option<Duration>) -> PhpResult<Result<usize, Code>> {
        if self.is_sealed() {
            return self.send_sealed(bytes, limit);
        }
        self.retry(Direction::Write, limit, || socket::send(self.fd(), bytes))
    }

    /// Writes all of it: how much went out, and why not all.
    pub fn send_all(&self, bytes: &[u8], limit: Option<Duration>) -> PhpResult<(usize, Option<Code>)> {
        let deadline = Deadline::new(limit);
        let mut sent = 0;
        while sent < bytes.len() {
            let more = match deadline.left() {
                Ok(left) => self.send(&bytes[sent..], left)?,
                Err(code) => Err(code),
            };
            match more {
                Ok(more) => sent += more,
                Err(code) => return Ok((sent, Some(code))),
            }
        }
        Ok((sent, None))
    }
}
