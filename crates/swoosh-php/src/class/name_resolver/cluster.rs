//! `Swoole\NameResolver\Cluster`: the nodes of a service. `Swoole\NameResolver\Context`: what one who asks wants.

use super::refuse;
use crate::bridge::resolvers;
use std::cell::{Cell, RefCell};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::net::IpAddr;
use swoosh_zend::{Array, Call, ClassBuilder, ClassSlot, Object, OrFalse, PhpResult};

/// `Swoole\NameResolver\Cluster`.
pub static CLUSTER: ClassSlot = ClassSlot::new();
static CONTEXT: ClassSlot = ClassSlot::new();

/// Where a service is served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Node {
    /// Its address.
    pub ip: IpAddr,
    /// Its port; `None`: the one that is asked for.
    pub port: Option<u16>,
    weight: u32,
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

/// What an asker wants, and what is left of the nodes that were found for it.
#[derive(Default)]
pub struct Context {
    six: Cell<bool>,
    with_port: Cell<bool>,
    left: RefCell<Option<(String, Object)>>,
}
swoosh_zend::payload!(Context: holds |context, tell| {
    if let Ok(left) = context.left.try_borrow() {
        left.iter().for_each(|(_, cluster)| cluster.held(tell));
    }
});

impl Context {
    /// Whether IPv6 is wanted.
    pub fn is_six(&self) -> bool {
        self.six.get()
    }

    /// The next address of a name: of the nodes that were found before, while there are any, else as a resolver says.
    /// `None`: none knows it.
    pub fn next(&self, name: &str) -> PhpResult<Option<String>> {
        let known = self.left.borrow().as_ref().filter(|(of, _)| of == name).map(|(_, cluster)| cluster.clone());
        if let Some(node) = known.as_ref().and_then(|known| self.take(known)) {
            return Ok(Some(node.text(self.with_port.get())));
        }
        match resolvers::find(name)? {
            None => Ok(None),
            Some(resolvers::Found::One(node)) => Ok(Some(node.text(self.with_port.get()))),
            Some(resolvers::Found::Cluster(cluster)) => {
                let node = self.take(&cluster);
                let old = self.left.replace(Some((name.to_owned(), cluster)));
                drop(old);
                Ok(node.map(|node| node.text(self.with_port.get())))
            }
        }
    }

    fn take(&self, cluster: &Object) -> Option<Node> {
        let cluster = cluster.payload::<Cluster>()?;
        std::iter::from_fn(|| cluster.pop()).find(|node| node.ip.is_ipv6() == self.six.get())
    }
}

/// Registers the two.
pub fn register() {
    ClassBuilder::new("Swoole\\NameResolver\\Cluster")
        .payload::<Cluster>()
        .method("add(string $host, int $port, int $weight = 100): void", |call: &mut Call<'_>| {
            let (host, port, weight) = (call.text(0)?, call.int(1)?, call.int_or(2, DEFAULT_WEIGHT)?);
            call.payload::<Cluster>().add(&host, port, weight).map_err(|why| refuse(&why))
        })
        .method("pop()", |call: &mut Call<'_>| {
            Ok(OrFalse(call.payload::<Cluster>().pop().map(|node| {
                let mut array = Array::new();
                array.insert("host", node.ip.to_string());
                array.insert("port", i64::from(node.port.unwrap_or(0)));
                array.insert("weight", i64::from(node.weight));
                array
            })))
        })
        .method("count(): int", |call: &mut Call<'_>| Ok(call.payload::<Cluster>().count()))
        .register(&CLUSTER);
    ClassBuilder::new("Swoole\\NameResolver\\Context")
        .payload::<Context>()
        .method("__construct(int $family = AF_INET, bool $withPort = false)", |call: &mut Call<'_>| {
            let context = call.payload::<Context>();
            context.six.set(call.int_or(0, i64::from(libc::AF_INET))? == i64::from(libc::AF_INET6));
            context.with_port.set(call.bool_or(1, false)?);
            Ok(())
        })
        .register(&CONTEXT);
}

/// Of a node about which nothing is said.
pub const DEFAULT_WEIGHT: i64 = 100;
