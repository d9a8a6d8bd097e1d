//! The nodes of a service, as a name resolver of PHP knows them.

use std::cell::RefCell;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::net::IpAddr;
use swoosh_zend::ClassSlot;

/// `Swoole\NameResolver\Cluster`.
pub static CLUSTER: ClassSlot = ClassSlot::new();

/// Where a service is served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Node {
    /// Its address.
    pub ip: IpAddr,
    /// Its port; `None`: the one that is asked for.
    pub port: Option<u16>,
    /// How likely it is chosen, compared with the others.
    pub weight: u32,
}

impl Node {
    /// `IP`, `IP:PORT` or `[IP]:PORT`.
    pub fn parse(text: &str) -> Option<Self> {
        let bare = |ip: &str| ip.parse().ok();
        if let Some(ip) = bare(text) {
            return Some(Node { ip, port: None, weight: 0 });
        }
        let (ip, port) = text.rsplit_once(':')?;
        let ip = ip.strip_prefix('[').and_then(|ip| ip.strip_suffix(']')).unwrap_or(ip);
        Some(Node { ip: bare(ip)?, port: Some(port.parse().ok()?), weight: 0 })
    }

    /// As [`parse`](Self::parse) reads it, the port only if it is wanted.
    pub fn text(&self, with_port: bool) -> String {
        match (self.port.filter(|_| with_port), self.ip) {
            (None, ip) => ip.to_string(),
            (Some(port), IpAddr::V4(ip)) => format!("{ip}:{port}"),
            (Some(port), IpAddr::V6(ip)) => format!("[{ip}]:{port}"),
        }
    }
}

/// The nodes of a service that were not tried yet.
#[derive(Default)]
pub struct Cluster(RefCell<Vec<Node>>);
swoosh_zend::payload!(Cluster);

impl Cluster {
    /// Takes a node out: by chance, the heavier the likelier. One of weight 0 comes only when no others are left.
    pub fn pop(&self) -> Option<Node> {
        let mut nodes = self.0.borrow_mut();
        let all: u64 = nodes.iter().map(|node| u64::from(node.weight)).sum();
        let chance = RandomState::new().build_hasher().finish();
        let mut left = if all == 0 { 0 } else { chance % all };
        let at = nodes.iter().position(|node| {
            let weight = u64::from(node.weight);
            let here = all == 0 || left < weight;
            left = left.saturating_sub(weight);
            here
        })?;
        Some(nodes.swap_remove(at))
    }

    /// Adds a node. Why it is none, if it is.
    pub fn add(&self, host: &str, port: i64, weight: i64) -> Result<(), String> {
        let ip = host.parse().map_err(|_| format!("a node of a cluster needs an IP address, not {host:?}"))?;
        let port = u16::try_from(port).ok().filter(|&port| port > 0);
        let port = port.ok_or("a node of a cluster needs a port of 1 to 65535")?;
        let weight = u32::try_from(weight).map_err(|_| "a node's weight is 0 to 4294967295")?;
        self.0.borrow_mut().push(Node { ip, port: Some(port), weight });
        Ok(())
    }

    /// How many are left.
    pub fn count(&self) -> usize {
        self.0.borrow().len()
    }
}
