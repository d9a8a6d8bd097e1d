//! Socket calls on a bare descriptor, without allocation: what a server calls once or more per packet.
//!
//! The functions take descriptors by number. A closed or wrong descriptor is an error of the call (`EBADF`,
//! `ENOTSOCK`), but one whose number the kernel has reused is a different file: the caller keeps the owner alive.
//!
//! ```
//! use std::os::fd::AsRawFd;
//! use std::os::unix::net::UnixStream;
//! use swoosh_os::socket;
//!
//! let (left, right) = UnixStream::pair().unwrap();
//! socket::send(left.as_raw_fd(), b"hello").unwrap();
//! let mut buffer = [0; 16];
//! assert_eq!(socket::recv(right.as_raw_fd(), &mut buffer).unwrap(), 5);
//! ```

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, RawFd};

/// Dissolves a socket's connection or connection attempt, so that it can connect again (`AF_UNSPEC` of connect(2)).
pub fn disconnect(fd: RawFd) -> io::Result<()> {
    let unspecified = libc::sockaddr { sa_family: libc::AF_UNSPEC as libc::sa_family_t, sa_data: [0; 14] };
    // SAFETY: the kernel reads the bytes of `unspecified`, which outlives the call.
    match unsafe { libc::connect(fd, &raw const unspecified, size_of::<libc::sockaddr>() as libc::socklen_t) } {
        -1 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}

/// Makes the descriptor `target` refer to the same file as `fd`, closing what `target` was before; it is closed on exec
/// (dup3(2)).
pub fn dup_onto(fd: RawFd, target: RawFd) -> io::Result<()> {
    // SAFETY: dup3(2) takes numbers and accesses no memory of this process.
    match unsafe { libc::dup3(fd, target, libc::O_CLOEXEC) } {
        -1 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}

/// Accepts the next connection; the new socket is non-blocking and closed on exec (accept4(2)).
pub fn accept(listener: &socket2::Socket) -> io::Result<socket2::Socket> {
    let flags = libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC;
    // SAFETY: a null address is not written to. The new descriptor is owned by the returned socket only.
    unsafe {
        match libc::accept4(listener.as_raw_fd(), std::ptr::null_mut(), std::ptr::null_mut(), flags) {
            -1 => Err(io::Error::last_os_error()),
            fd => Ok(socket2::Socket::from_raw_fd(fd)),
        }
    }
}

/// Receives into `buf` without blocking (recv(2)) and returns the bytes received; 0 is the end of the stream.
pub fn recv(fd: RawFd, buf: &mut [u8]) -> io::Result<usize> {
    // SAFETY: the kernel writes at most `buf.len()` bytes into `buf`.
    let n = unsafe { libc::recv(fd, buf.as_mut_ptr().cast(), buf.len(), libc::MSG_DONTWAIT) };
    if n < 0 { Err(io::Error::last_os_error()) } else { Ok(n as usize) }
}

/// Receives urgent data (`MSG_OOB` of recv(2)) without blocking; `EINVAL` if there is none.
pub fn recv_urgent(fd: RawFd, buf: &mut [u8]) -> io::Result<usize> {
    // SAFETY: the kernel writes at most `buf.len()` bytes into `buf`.
    let n = unsafe { libc::recv(fd, buf.as_mut_ptr().cast(), buf.len(), libc::MSG_DONTWAIT | libc::MSG_OOB) };
    if n < 0 { Err(io::Error::last_os_error()) } else { Ok(n as usize) }
}

/// Sends without blocking (send(2)) and returns the bytes sent. If the peer has closed, the error is `EPIPE`; no signal
/// is raised.
pub fn send(fd: RawFd, data: &[u8]) -> io::Result<usize> {
    send_with(fd, data, 0)
}

/// Like [`send`], for bytes that more will follow at once: the kernel may delay them to fill a packet (`MSG_MORE`).
pub fn send_more(fd: RawFd, data: &[u8]) -> io::Result<usize> {
    send_with(fd, data, libc::MSG_MORE)
}

fn send_with(fd: RawFd, data: &[u8], flags: i32) -> io::Result<usize> {
    let flags = flags | libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL;
    // SAFETY: the kernel reads at most `data.len()` bytes of `data`.
    let n = unsafe { libc::send(fd, data.as_ptr().cast(), data.len(), flags) };
    if n < 0 { Err(io::Error::last_os_error()) } else { Ok(n as usize) }
}

/// Like [`send`], for several pieces in order (sendmsg(2)).
pub fn send_pieces(fd: RawFd, pieces: &[io::IoSlice<'_>]) -> io::Result<usize> {
    // SAFETY: zero is a valid `msghdr`: a message without pieces.
    let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
    message.msg_iov = pieces.as_ptr().cast_mut().cast();
    message.msg_iovlen = pieces.len();
    // SAFETY: `IoSlice` has the layout of `iovec`. The kernel only reads the pieces, which outlive the call.
    let n = unsafe { libc::sendmsg(fd, &message, libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL) };
    if n < 0 { Err(io::Error::last_os_error()) } else { Ok(n as usize) }
}

/// Sends at most `len` bytes of a file, starting at `offset`, and advances `offset` by the bytes sent (sendfile(2)).
/// Returns 0 at the end of the file.
pub fn send_file(socket: RawFd, file: &impl AsRawFd, offset: &mut u64, len: usize) -> io::Result<usize> {
    let mut at = *offset as libc::off_t;
    // SAFETY: the kernel reads and writes `at` only, which outlives the call.
    let n = unsafe { libc::sendfile(socket, file.as_raw_fd(), &mut at, len) };
    if n < 0 {
        return Err(io::Error::last_os_error());
    }
    *offset = at as u64;
    Ok(n as usize)
}

/// Bytes in the kernel's receive and send buffers (`SIOCINQ` and `SIOCOUTQ` of tcp(7) and unix(7)).
pub fn queued(fd: RawFd) -> (u32, u32) {
    let (mut input, mut output) = (0i32, 0i32);
    // SAFETY: each request writes one int, to a value that outlives the call.
    unsafe {
        libc::ioctl(fd, libc::FIONREAD, &mut input);
        libc::ioctl(fd, libc::TIOCOUTQ, &mut output);
    }
    (input.max(0) as u32, output.max(0) as u32)
}

/// Waits until the socket is writable, for at most `ms` milliseconds; `false` on timeout or error.
pub fn wait_writable(fd: RawFd, ms: i32) -> bool {
    let mut one = libc::pollfd { fd, events: libc::POLLOUT, revents: 0 };
    // SAFETY: poll(2) accesses one pollfd, which outlives the call.
    unsafe { libc::poll(&mut one, 1, ms) > 0 }
}

/// The IPv4 address of an IPv4 peer of an IPv6 socket (RFC 4291 section 2.5.5.2); other addresses unchanged.
pub fn canonical_ip(ip: std::net::IpAddr) -> std::net::IpAddr {
    ip.to_canonical()
}

/// Receives one datagram and its sender without blocking (recvfrom(2)). A datagram longer than `buf` is truncated.
pub fn recv_from(fd: RawFd, buf: &mut [u8]) -> io::Result<(usize, socket2::SockAddr)> {
    // SAFETY: the kernel writes at most `buf.len()` bytes into `buf` and at most `*len` into the storage, and sets `*len`
    // to the length of the address.
    let (n, address) = unsafe {
        socket2::SockAddr::try_init(|storage, len| {
            let n = libc::recvfrom(fd, buf.as_mut_ptr().cast(), buf.len(), libc::MSG_DONTWAIT, storage.cast(), len);
            if n < 0 { Err(io::Error::last_os_error()) } else { Ok(n) }
        })
    }?;
    Ok((n as usize, address))
}

/// Reads bytes without removing them from the socket (`MSG_PEEK`); 0 is the end of the stream.
pub fn peek(fd: RawFd, buf: &mut [u8]) -> io::Result<usize> {
    // SAFETY: the kernel writes at most `buf.len()` bytes into `buf`.
    let n = unsafe { libc::recv(fd, buf.as_mut_ptr().cast(), buf.len(), libc::MSG_DONTWAIT | libc::MSG_PEEK) };
    if n < 0 { Err(io::Error::last_os_error()) } else { Ok(n as usize) }
}

/// Reads an integer option (getsockopt(2)).
pub fn option(fd: RawFd, level: i32, name: i32) -> io::Result<i32> {
    let (mut value, mut size) = (0i32, size_of::<i32>() as libc::socklen_t);
    // SAFETY: the kernel writes at most `size` bytes into `value`.
    let n = unsafe { libc::getsockopt(fd, level, name, (&raw mut value).cast(), &mut size) };
    if n < 0 { Err(io::Error::last_os_error()) } else { Ok(value) }
}

/// Sets an option to the bytes of the value that the kernel expects for it (setsockopt(2)).
pub fn set_option(fd: RawFd, level: i32, name: i32, value: &[u8]) -> io::Result<()> {
    // SAFETY: the kernel reads at most `value.len()` bytes of `value`.
    let n = unsafe { libc::setsockopt(fd, level, name, value.as_ptr().cast(), value.len() as libc::socklen_t) };
    if n < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Waits until one of at most eight descriptors is readable, a signal arrives or `timeout` has passed (`None`: no
/// limit).
pub fn wait_readable(fds: &[RawFd], timeout: Option<std::time::Duration>) {
    let mut all: [libc::pollfd; 8] = std::array::from_fn(|_| libc::pollfd { fd: -1, events: 0, revents: 0 });
    for (slot, fd) in all.iter_mut().zip(fds) {
        *slot = libc::pollfd { fd: *fd, events: libc::POLLIN, revents: 0 };
    }
    let limit = timeout.map(|t| libc::timespec { tv_sec: t.as_secs() as i64, tv_nsec: t.subsec_nanos().into() });
    let limit = limit.as_ref().map_or(std::ptr::null(), std::ptr::from_ref);
    // SAFETY: ppoll(2) accesses the first 8 or fewer of `all` and reads `limit`; both outlive the call. The null mask
    // changes no signal mask.
    unsafe { libc::ppoll(all.as_mut_ptr(), fds.len().min(8) as libc::nfds_t, limit, std::ptr::null()) };
}

/// Delays accepting a connection until its first bytes have arrived, for at most `seconds` (`TCP_DEFER_ACCEPT` of
/// tcp(7)).
pub fn defer_accept(fd: RawFd, seconds: u32) {
    set_tcp(fd, libc::TCP_DEFER_ACCEPT, seconds as i32);
}

/// Accepts data in a connection's first packet (`TCP_FASTOPEN` of tcp(7)), for up to 256 pending connections.
pub fn fast_open(fd: RawFd) {
    set_tcp(fd, libc::TCP_FASTOPEN, 256);
}

fn set_tcp(fd: RawFd, option: i32, value: i32) {
    // SAFETY: the kernel reads four bytes of `value`.
    unsafe { libc::setsockopt(fd, libc::IPPROTO_TCP, option, (&raw const value).cast(), 4) };
}
