//! Datagrams: received in the thread that owns the port, sent by any process.

use super::{Port, SocketKind, listener};
use crate::error::{Code, Error, Result};
use crate::{log, sys};
use socket2::{SockAddr, Socket};
use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::AsRawFd;
use std::sync::Arc;
use tokio::io::Interest;

/// The sender of a datagram.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// An address without port, or a path (empty where the sender has none).
    pub address: String,
    /// `None` for a Unix socket.
    pub port: Option<u16>,
}

impl Origin {
    /// The encoding that precedes the datagram in a message.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = vec![u8::from(self.port.is_some())];
        out.extend(self.port.unwrap_or(0).to_le_bytes());
        out.extend((self.address.len() as u16).to_le_bytes());
        out.extend(self.address.as_bytes());
        out
    }

    /// Splits an encoded sender from the datagram behind it; `None` for malformed bytes.
    pub fn decode(bytes: &[u8]) -> Option<(Origin, &[u8])> {
        let len = u16::from_le_bytes([*bytes.get(3)?, *bytes.get(4)?]) as usize;
        let address = std::str::from_utf8(bytes.get(5..5 + len)?).ok()?.to_string();
        let port = (bytes[0] == 1).then(|| u16::from_le_bytes([bytes[1], bytes[2]]));
        Some((Origin { address, port }, &bytes[5 + len..]))
    }
}

/// Receives from `port` while `is_running`, and passes each datagram to `deliver`.
pub async fn receive_from(port: Arc<Port>, is_running: impl Fn() -> bool, deliver: impl Fn(&Port, Origin, &[u8])) {
    let Ok(socket) = sys::watch::watch(port.clone(), Interest::READABLE) else {
        return log::error!("receive from {}: the socket cannot be watched", port.address());
    };
    let mut buffer = vec![0; LONGEST];
    while is_running() {
        let Ok(mut ready) = socket.readable().await else { return };
        for _ in 0..DATAGRAMS_PER_TICK {
            match sys::socket::recv_from(port.as_raw_fd(), &mut buffer) {
                Ok((len, from)) => deliver(&port, sender_of(&from), &buffer[..len]),
                Err(e) if e.kind() == ErrorKind::WouldBlock => {
                    ready.clear_ready();
                    break;
                }
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                // An ICMP error for an earlier send is reported by the next receive.
                Err(e) if matches!(e.raw_os_error(), Some(libc::ECONNREFUSED | libc::EHOSTUNREACH)) => {}
                Err(e) => {
                    log::warn!("receive from {}: {e}", port.address());
                    break;
                }
            }
        }
        tokio::task::yield_now().await;
    }
}

fn sender_of(from: &SockAddr) -> Origin {
    match from.as_socket() {
        Some(a) => Origin { address: sys::socket::canonical_ip(a.ip()).to_string(), port: Some(a.port()) },
        None => {
            let path = from.as_pathname().map(|p| p.to_string_lossy().into_owned());
            Origin { address: path.unwrap_or_default(), port: None }
        }
    }
}

/// Sends one datagram to an address and port, or to a path (`port` is not used then).
///
/// `server_socket`: descriptor of the port to send from; negative: the last port of the right kind.
///
/// # Errors
/// Where `data` is empty, the address is invalid or unresolvable, the server has no such port, or the kernel does not accept
/// the datagram within a second.
pub fn send_to(ports: &[Arc<Port>], address: &str, port: i64, data: &[u8], server_socket: i32) -> Result<()> {
    let subject = || format!("{address}:{port}");
    if data.is_empty() {
        return Err(Error::refused("send to", subject(), Code::NoPayload));
    }
    let number = u16::try_from(port).map_err(|_| Error::refused("send to", subject(), Code::BadPort));
    let (to, kind) = if address.starts_with('/') {
        let to = SockAddr::unix(address).map_err(|e| Error::system("send to", address, e))?;
        (to, SocketKind::UnixDatagram)
    } else {
        let wants_v6 = address.contains(':');
        let kind = if wants_v6 { SocketKind::Udp6 } else { SocketKind::Udp };
        if !ports.iter().any(|p| p.kind() == kind) {
            return Err(Error::State {
                operation: "send to",
                reason: format!("{address}: the server has no {} port", if wants_v6 { "UDP6" } else { "UDP" }),
            });
        }
        let number = number?;
        let ip: IpAddr = match address.parse() {
            Ok(ip) => ip,
            Err(_) => listener::resolve(address, wants_v6)
                .ok_or_else(|| Error::refused("send to", subject(), Code::DnsLookupFailed))?,
        };
        (SockAddr::from(SocketAddr::new(ip, number)), kind)
    };
    let by_number = |p: &&Arc<Port>| p.as_raw_fd() == server_socket;
    let chosen = match server_socket {
        n if n >= 0 => ports.iter().find(by_number),
        _ => ports.iter().rfind(|p| p.kind() == kind),
    };
    let socket: &Socket = match chosen {
        Some(port) => port.socket(),
        None if server_socket >= 0 => {
            let cause = std::io::Error::from_raw_os_error(libc::EBADF);
            return Err(Error::system("send by", format!("descriptor {server_socket}, which is no port's"), cause));
        }
        None => {
            return Err(Error::State {
                operation: "send to",
                reason: format!("{address}: the server has no such port"),
            });
        }
    };
    loop {
        match socket.send_to(data, &to) {
            Ok(_) => return Ok(()),
            Err(e) if e.kind() == ErrorKind::Interrupted => {}
            Err(e) if e.kind() == ErrorKind::WouldBlock => {
                if !sys::socket::wait_writable(socket.as_raw_fd(), SEND_TIMEOUT_MS) {
                    return Err(Error::system("send to", subject(), e));
                }
            }
            Err(e) => return Err(Error::system("send to", subject(), e)),
        }
    }
}

/// Bytes of the longest datagram.
const LONGEST: usize = 64 << 10;
const DATAGRAMS_PER_TICK: usize = 64;
const SEND_TIMEOUT_MS: i32 = 1000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sender_is_read_as_it_was_written() {
        for sender in [
            Origin { address: "::1".into(), port: Some(65535) },
            Origin { address: "/tmp/a b".into(), port: None },
            Origin { address: String::new(), port: None },
        ] {
            let mut bytes = sender.encode();
            bytes.extend(b"data");
            assert_eq!(Origin::decode(&bytes), Some((sender, &b"data"[..])));
        }
        assert_eq!(Origin::decode(&[1, 2]), None);
        assert_eq!(Origin::decode(&[0, 0, 0, 255, 0, 1]), None);
    }
}
