//! The server's name in requests.

/// The `Host` field: without the scheme's default port.
pub(crate) fn host_field(family: i32, host: &[u8], port: i64, ssl: bool) -> Vec<u8> {
    match family {
        libc::AF_UNIX => b"localhost".to_vec(),
        _ if port == if ssl { 443 } else { 80 } => bracketed(host),
        _ => [&bracketed(host)[..], format!(":{port}").as_bytes()].concat(),
    }
}

/// The path in a host that begins with `unix:`.
pub(crate) fn unix_path(host: &[u8]) -> Vec<u8> {
    let path = host.strip_prefix(b"unix:").unwrap_or(host);
    let slashes = path.iter().take_while(|&&byte| byte == b'/').count();
    path[slashes.saturating_sub(1)..].to_vec()
}

fn bracketed(host: &[u8]) -> Vec<u8> {
    if host.contains(&b':') { [b"[", host, b"]"].concat() } else { host.to_vec() }
}

/// A server as messages name it.
pub(crate) fn peer_name(family: i32, host: &[u8], port: i64) -> String {
    let host = String::from_utf8_lossy(host);
    match family {
        libc::AF_UNIX => format!("unix:{host}"),
        libc::AF_INET6 if host.contains(':') => format!("[{host}]:{port}"),
        _ => format!("{host}:{port}"),
    }
}
