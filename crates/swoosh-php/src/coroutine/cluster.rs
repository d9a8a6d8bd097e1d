//! The nodes of a service, as returned by a PHP name resolver.

use std::cell::RefCell;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::net::IpAddr;
use swoosh_zend::ClassSlot;

/// `Swoole\NameResolver\Cluster`.
pub static CLUSTER: ClassSlot = ClassSlot::new();

/// One node of a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Node {
    /// Its IP address.
    pub ip: IpAddr,
    /// Its port; `None`: the port of the request.
    pub port: Option<u16>,
    /// Its relative probability of being chosen.
    pub weight: u32,
}

impl Node {
    /// Parses `IP`, `IP:PORT` or `[IP]:PORT`.
    pub fn parse(text: &str) -> Option<Self> {
        let bare = |ip: &str| ip.parse().ok();
        if let Some(ip) = bare(text) {
            return Some(Node { ip, port: None, weight: 0 });
        }
        let (ip, port) = text.rsplit_once(':')?;
        let ip = ip.strip_prefix('[').and_then(|ip| ip.strip_suffix(']')).unwrap_or(ip);
        Some(Node { ip: bare(ip)?, port: Some(port.parse().ok()?), weight: 0 })
    }

    /// Formats it for [`parse`](Self::parse), with the port only if `with_port`.
    pub fn text(&self, with_port: bool) -> String {
        match (self.port.filter(|_| with_port), self.ip) {
            (None, ip) => ip.to_string(),
            (Some(port), IpAddr::V4(ip)) => format!("{ip}:{port}"),
            (Some(port), IpAddr::V6(ip)) => format!("[{ip}]:{port}"),
        }
    }
}

/// The nodes of a service that have not been tried yet.
#[derive(Default)]
pub struct Cluster(RefCell<Vec<Node>>);
swoosh_zend::payload!(Cluster);

impl Cluster {
    /// Takes a random node out, with probability proportional to its weight. Nodes of weight 0 are taken last.
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

    /// Adds a node. `Err`: the arguments are invalid, with the reason.
    pub fn add(&self, host: &str, port: i64, weight: i64) -> Result<(), String> {
        let ip = host.parse().map_err(|_| format!("cluster node {host:?}: not an IP address"))?;
        let port = u16::try_from(port).ok().filter(|&port| port > 0);
        let port = port.ok_or("cluster node: the port must be from 1 to 65535")?;
        let weight = u32::try_from(weight).map_err(|_| "cluster node: the weight must be from 0 to 4294967295")?;
        self.0.borrow_mut().push(Node { ip, port: Some(port), weight });
        Ok(())
    }

    /// The number of nodes left.
    pub fn count(&self) -> usize {
        self.0.borrow().len()
    }
}
