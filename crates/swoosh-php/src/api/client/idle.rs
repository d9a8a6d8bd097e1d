//! Connections of clients with SWOOLE_KEEP that no object uses, for later objects with the same key.

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, VecDeque};
use swoosh::client::{Client, Kind, ProxyConfig};
use swoosh::tls::ClientTls;
use swoosh_zend::runtime;

/// The properties in which two clients must agree to share a connection.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) kind: Kind,
    pub(super) host: String,
    pub(super) port: u16,
    /// The constructor's third argument.
    pub(super) id: Vec<u8>,
    pub(super) tls: Option<ClientTls>,
    pub(super) proxy: Option<ProxyConfig>,
    pub(super) local: Option<(String, u16)>,
}

/// A connection, and how often it was reused.
type IdleConnection = (Client, i64);

thread_local! {
    static IDLE: RefCell<HashMap<Key, VecDeque<IdleConnection>>> = RefCell::default();
    /// The process that the connections belong to: a forked child must not use its parent's.
    static GENERATION: Cell<u32> = const { Cell::new(0) };
}

/// Keeps a connection if it is alive.
pub(super) fn put(key: Key, client: Client, reused: i64) {
    if !client.is_alive() {
        return;
    }
    let _ = IDLE.try_with(|idle| {
        forget_those_of_parent();
        let mut idle = idle.borrow_mut();
        let connections = idle.entry(key).or_default();
        if connections.len() < MAX_IDLE {
            connections.push_back((client, reused));
        }
    });
}

/// Takes the connection that was kept first. Those that the peer has closed meanwhile are dropped.
pub(super) fn take(key: &Key) -> Option<IdleConnection> {
    forget_those_of_parent();
    IDLE.with_borrow_mut(|idle| {
        let connections = idle.get_mut(key)?;
        while let Some((client, reused)) = connections.pop_front() {
            if client.is_alive() {
                return Some((client, reused));
            }
        }
        idle.remove(key);
        None
    })
}

fn forget_those_of_parent() {
    if GENERATION.replace(runtime::generation()) != runtime::generation() {
        drop(IDLE.take());
    }
}

/// The most connections that are kept for one key.
const MAX_IDLE: usize = 128;
