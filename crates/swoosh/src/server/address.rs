//! Addresses as programs write them: `127.0.0.1:9501`, `tcp://[::1]:9501`, `udp://0.0.0.0:53`, `unix:///run/app.sock`.

use crate::error::{Error, Result};
use crate::net::SocketKind;

/// The kind of a socket, its host or path, and its port.
///
/// # Errors
/// The address has no port, or one that is not a number.
pub(super) fn parse(address: &str) -> Result<(SocketKind, String, i64)> {
    let unclear = |why: &str| Error::State { operation: "bind", reason: format!("{address}: {why}") };
    if let Some(path) = address.strip_prefix("unixgram://") {
        return Ok((SocketKind::UnixDatagram, path.into(), 0));
    }
    if let Some(path) = address.strip_prefix("unix://") {
        return Ok((SocketKind::UnixStream, path.into(), 0));
    }
    let (rest, datagrams) = match address.strip_prefix("udp://") {
        Some(rest) => (rest, true),
        None => (address.strip_prefix("tcp://").unwrap_or(address), false),
    };
    let (host, port) =
        rest.rsplit_once(':').ok_or_else(|| unclear("a host and a port are wanted, as in 127.0.0.1:9501"))?;
    let port = port.parse().map_err(|_| unclear("the port is not a number"))?;
    let v6 = host.strip_prefix('[').and_then(|h| h.strip_suffix(']'));
    let kind = match (v6.is_some(), datagrams) {
        (false, false) => SocketKind::Tcp,
        (true, false) => SocketKind::Tcp6,
        (false, true) => SocketKind::Udp,
        (true, true) => SocketKind::Udp6,
    };
    Ok((kind, v6.unwrap_or(host).into(), port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_as_they_are_written() {
        let read = |a: &str| parse(a).unwrap();
        assert_eq!(read("127.0.0.1:9501"), (SocketKind::Tcp, "127.0.0.1".into(), 9501));
        assert_eq!(read("tcp://[::1]:0"), (SocketKind::Tcp6, "::1".into(), 0));
        assert_eq!(read("udp://localhost:53"), (SocketKind::Udp, "localhost".into(), 53));
        assert_eq!(read("unix:///run/a.sock"), (SocketKind::UnixStream, "/run/a.sock".into(), 0));
        assert_eq!(read("unixgram:///run/a"), (SocketKind::UnixDatagram, "/run/a".into(), 0));
        for bad in ["nonsense", "127.0.0.1:port"] {
            assert!(parse(bad).unwrap_err().to_string().contains(bad));
        }
    }
}
