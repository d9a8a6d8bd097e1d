//! Sockets: the few calls of the hot path on a bare descriptor, without allocation.

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, RawFd};

/// Makes a socket forget whom it is connected to, or is about to be: it may connect anew (connect(2), `AF_UNSPEC`).
pub fn disconnect(fd: RawFd) -> io::Result<()> {
    let nowhere = libc::sockaddr { sa_family: libc::AF_UNSPEC as libc::sa_family_t, sa_data: [0; 14] };
    // SAFETY: the kernel reads as many bytes as `nowhere` has, which outlives the call.
    match unsafe { libc::connect(fd, &raw const nowhere, size_of::<libc::sockaddr>() as libc::socklen_t) } {
        -1 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}

/// Makes the descriptor `at` another one of what `fd` is; what it was before is closed (dup3(2)).
pub fn dup_onto(fd: RawFd, at: RawFd) -> io::Result<()> {
    // SAFETY: two numbers, which the kernel looks up.
    match unsafe { libc::dup3(fd, at, libc::O_CLOEXEC) } {
        -1 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}

/// Takes the next connection of a listening socket, which does not block (accept4(2)).
pub fn accept(listener: &socket2::Socket) -> io::Result<socket2::Socket> {
    let flags = libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC;
    // SAFETY: nobody asks for the address; the new descriptor is owned by what is returned and by nobody else.
    unsafe {
        match libc::accept4(listener.as_raw_fd(), std::ptr::null_mut(), std::ptr::null_mut(), flags) {
            -1 => Err(io::Error::last_os_error()),
            fd => Ok(socket2::Socket::from_raw_fd(fd)),
        }
    }
}

/// A non-blocking `recv(2)` into `buf`; 0 is the end of the stream.
pub fn recv(fd: RawFd, buf: &mut [u8]) -> io::Result<usize> {
    // SAFETY: the kernel writes at most `buf.len()` bytes into `buf`.
    let n = unsafe { libc::recv(fd, buf.as_mut_ptr().cast(), buf.len(), libc::MSG_DONTWAIT) };
    if n < 0 { Err(io::Error::last_os_error()) } else { Ok(n as usize) }
}

/// A non-blocking `send(2)`; a peer that is gone is an error, never a signal.
pub fn send(fd: RawFd, data: &[u8]) -> io::Result<usize> {
    send_with(fd, data, 0)
}

/// The same of bytes that may wait for those behind them, which come at once (MSG_MORE).
pub fn send_more(fd: RawFd, data: &[u8]) -> io::Result<usize> {
    send_with(fd, data, libc::MSG_MORE)
}

fn send_with(fd: RawFd, data: &[u8], flags: i32) -> io::Result<usize> {
    let flags = flags | libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL;
    // SAFETY: the kernel reads at most `data.len()` bytes of `data`.
    let n = unsafe { libc::send(fd, data.as_ptr().cast(), data.len(), flags) };
    if n < 0 { Err(io::Error::last_os_error()) } else { Ok(n as usize) }
}

/// The same of several pieces in a row (sendmsg(2)).
pub fn send_pieces(fd: RawFd, pieces: &[io::IoSlice<'_>]) -> io::Result<usize> {
    // SAFETY: all zero is an empty message of msghdr.
    let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
    message.msg_iov = pieces.as_ptr().cast_mut().cast();
    message.msg_iovlen = pieces.len();
    // SAFETY: an IoSlice is an iovec; the kernel only reads the pieces, which outlive the call.
    let n = unsafe { libc::sendmsg(fd, &message, libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL) };
    if n < 0 { Err(io::Error::last_os_error()) } else { Ok(n as usize) }
}

/// A `sendfile(2)` of at most `len` bytes from `offset`, which moves on by what was sent.
pub fn send_file(socket: RawFd, file: &impl AsRawFd, offset: &mut u64, len: usize) -> io::Result<usize> {
    let mut at = *offset as libc::off_t;
    // SAFETY: `at` outlives the call; both descriptors are open for its length.
    let n = unsafe { libc::sendfile(socket, file.as_raw_fd(), &mut at, len) };
    if n < 0 {
        return Err(io::Error::last_os_error());
    }
    *offset = at as u64;
    Ok(n as usize)
}

/// Bytes that wait in the kernel's receive buffer and in its send buffer (SIOCINQ, SIOCOUTQ of tcp(7), unix(7)).
pub fn queued(fd: RawFd) -> (u32, u32) {
    let (mut input, mut output) = (0i32, 0i32);
    // SAFETY: both requests write one int.
    unsafe {
        libc::ioctl(fd, libc::FIONREAD, &mut input);
        libc::ioctl(fd, libc::TIOCOUTQ, &mut output);
    }
    (input.max(0) as u32, output.max(0) as u32)
}

/// Waits until the socket takes bytes again, `ms` milliseconds at most; `false`: it was too long.
pub fn wait_writable(fd: RawFd, ms: i32) -> bool {
    let mut one = libc::pollfd { fd, events: libc::POLLOUT, revents: 0 };
    // SAFETY: one pollfd, which outlives the call.
    unsafe { libc::poll(&mut one, 1, ms) > 0 }
}

/// An IPv4 peer of an IPv6 socket by its IPv4 address.
pub fn canonical_ip(ip: std::net::IpAddr) -> std::net::IpAddr {
    ip.to_canonical()
}

/// A non-blocking `recvfrom(2)`; a datagram longer than `buf` is cut.
pub fn recv_from(fd: RawFd, buf: &mut [u8]) -> io::Result<(usize, socket2::SockAddr)> {
    // SAFETY: the kernel writes at most `buf.len()` bytes into `buf` and at most `*len` into the storage, and sets
    // `*len` to what it wrote.
    let (n, address) = unsafe {
        socket2::SockAddr::try_init(|storage, len| {
            let n = libc::recvfrom(fd, buf.as_mut_ptr().cast(), buf.len(), libc::MSG_DONTWAIT, storage.cast(), len);
            if n < 0 { Err(io::Error::last_os_error()) } else { Ok(n) }
        })
    }?;
    Ok((n as usize, address))
}

/// Looks at bytes without taking them; 0 is the end of the stream.
pub fn peek(fd: RawFd, buf: &mut [u8]) -> io::Result<usize> {
    // SAFETY: the kernel writes at most `buf.len()` bytes into `buf`.
    let n = unsafe { libc::recv(fd, buf.as_mut_ptr().cast(), buf.len(), libc::MSG_DONTWAIT | libc::MSG_PEEK) };
    if n < 0 { Err(io::Error::last_os_error()) } else { Ok(n as usize) }
}

/// An option that is a number (getsockopt(2)).
pub fn option(fd: RawFd, level: i32, name: i32) -> io::Result<i32> {
    let (mut value, mut size) = (0i32, size_of::<i32>() as libc::socklen_t);
    // SAFETY: the kernel writes at most `size` bytes into `value`.
    let n = unsafe { libc::getsockopt(fd, level, name, (&raw mut value).cast(), &mut size) };
    if n < 0 { Err(io::Error::last_os_error()) } else { Ok(value) }
}

/// Sets an option to bytes, which are what the kernel expects for it (setsockopt(2)).
pub fn set_option(fd: RawFd, level: i32, name: i32, value: &[u8]) -> io::Result<()> {
    // SAFETY: the kernel reads at most `value.len()` bytes of `value`.
    let n = unsafe { libc::setsockopt(fd, level, name, value.as_ptr().cast(), value.len() as libc::socklen_t) };
    if n < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Waits until one of the descriptors can be read, or `timeout` is over (`None`: for ever). A signal ends the wait too.
pub fn wait_readable(fds: &[RawFd], timeout: Option<std::time::Duration>) {
    let mut all: [libc::pollfd; 8] = std::array::from_fn(|_| libc::pollfd { fd: -1, events: 0, revents: 0 });
    for (slot, fd) in all.iter_mut().zip(fds) {
        *slot = libc::pollfd { fd: *fd, events: libc::POLLIN, revents: 0 };
    }
    let limit = timeout.map(|t| libc::timespec { tv_sec: t.as_secs() as i64, tv_nsec: t.subsec_nanos().into() });
    let limit = limit.as_ref().map_or(std::ptr::null(), std::ptr::from_ref);
    // SAFETY: `all` and the time outlive the call; no signal mask is changed.
    unsafe { libc::ppoll(all.as_mut_ptr(), fds.len().min(8) as libc::nfds_t, limit, std::ptr::null()) };
}

/// Hands a connection over only once it has sent something, for `seconds` at most (TCP_DEFER_ACCEPT, tcp(7)).
pub fn defer_accept(fd: RawFd, seconds: u32) {
    set_tcp(fd, libc::TCP_DEFER_ACCEPT, seconds as i32);
}

/// Lets clients send with their first packet (TCP_FASTOPEN, tcp(7)).
pub fn fast_open(fd: RawFd) {
    set_tcp(fd, libc::TCP_FASTOPEN, 256);
}

fn set_tcp(fd: RawFd, option: i32, value: i32) {
    // SAFETY: the kernel reads four bytes of `value`.
    unsafe { libc::setsockopt(fd, libc::IPPROTO_TCP, option, (&raw const value).cast(), 4) };
}
