//! Connecting a client that blocks.

use super::data::{ID, Payload, SOCK, fail, set_error, set_property, show};
use super::idle::{self, Key};
use super::settings::{Parsed, tls_of};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use swoosh::client::{Client, ClientError, Kind};
use swoosh::sys::process;
use swoosh_zend::{Call, PhpResult};

/// The arguments of `connect`.
pub(super) struct Target {
    pub(super) kind: Kind,
    pub(super) host: Vec<u8>,
    pub(super) port: u16,
    pub(super) timeout: Option<Duration>,
    /// 1: do not wait for the connection; for UDP: receive from the peer only.
    pub(super) flag: i64,
}

/// Connects, or takes a connection that an earlier client kept.
pub(super) fn connect(call: &Call<'_>, to: Target, settings: Parsed) -> PhpResult<bool> {
    let payload = call.payload::<Payload>();
    let host = String::from_utf8_lossy(&to.host).into_owned();
    let is_path = matches!(to.kind, Kind::UnixStream | Kind::UnixDatagram);
    *payload.peer.borrow_mut() = match host.contains(':') {
        _ if is_path => host.clone(),
        true => format!("[{host}]:{}", to.port),
        false => format!("{host}:{}", to.port),
    };
    let mut config = settings.engine.clone();
    config.connect_timeout = to.timeout;
    config.read_timeout = settings.read.unwrap_or(to.timeout);
    config.write_timeout = settings.write.unwrap_or(to.timeout);
    config.tls = tls_of(&settings, payload.opens_tls.get(), &to.host).filter(|_| !to.kind.is_datagram());
    if to.kind == Kind::UnixDatagram && config.local.is_none() {
        let path = own_path();
        config.local = Some((path.display().to_string(), 0));
        payload.own_path.replace(Some(path));
    }
    *payload.host.borrow_mut() = host.clone();
    payload.failed.take();
    if payload.keep.get() && payload.id.borrow().is_empty() {
        set_property(call, ID, "");
    }
    let key = Key {
        kind: to.kind,
        host: host.clone(),
        port: to.port,
        id: payload.id.borrow().clone(),
        tls: config.tls.clone(),
        proxy: config.proxy.clone(),
        local: config.local.clone().filter(|_| to.kind != Kind::UnixDatagram),
    };
    if payload.keep.get()
        && let Some((mut client, reused)) = idle::take(&key)
    {
        *client.config_mut() = config;
        payload.reused.set(reused + 1);
        show(call, client.fd(), Some(reused + 1));
        *payload.key.borrow_mut() = Some(key);
        *payload.client.borrow_mut() = Some(client);
        return Ok(true);
    }
    if to.flag & 1 != 0 && !to.kind.is_datagram() {
        return Ok(begin(call, &config, &host, to.port));
    }
    match Client::connect_or_socket(&config, &host, to.port) {
        Ok(client) => {
            if to.flag & 1 != 0
                && let Err(e) = client.bind_to_peer()
            {
                return Ok(refused(call, &e));
            }
            payload.reused.set(0);
            show(call, client.fd(), None);
            *payload.key.borrow_mut() = payload.keep.get().then_some(key);
            *payload.client.borrow_mut() = Some(client);
            Ok(true)
        }
        Err((e, socket)) => {
            if let Some(socket) = socket {
                set_property(call, SOCK, std::os::fd::AsRawFd::as_raw_fd(&socket));
                *payload.failed.borrow_mut() = Some(socket);
            }
            Ok(refused(call, &e))
        }
    }
}

/// Begins a connection without waiting for it.
fn begin(call: &Call<'_>, config: &swoosh::client::ClientConfig, host: &str, port: u16) -> bool {
    let payload = call.payload::<Payload>();
    match Client::begin_connect(config, host, port) {
        Ok(client) => {
            show(call, client.fd(), None);
            set_error(call, libc::EINPROGRESS);
            payload.pending.set(true);
            *payload.client.borrow_mut() = Some(client);
            true
        }
        Err(e) => refused(call, &e),
    }
}

fn refused(call: &Call<'_>, e: &ClientError) -> bool {
    let payload = call.payload::<Payload>();
    if let Some(path) = payload.own_path.take() {
        let _ = std::fs::remove_file(path);
    }
    let message = format!("connect to {} failed: {e}", payload.peer.borrow());
    fail(call, e.code(), &message);
    false
}

/// A path for a Unix datagram socket, which needs a name to receive answers.
fn own_path() -> PathBuf {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    std::env::temp_dir().join(format!("swoole-client-{}-{count}.sock", process::pid()))
}
