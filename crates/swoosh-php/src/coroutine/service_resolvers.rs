//! Service discovery: PHP objects that resolve host names, queried before DNS on each connect.

use super::cluster::{Cluster, Node};
use super::scheduler::current_id;
use std::cell::RefCell;
use std::net::{IpAddr, SocketAddr};
use swoosh_zend::{Array, ClassSlot, IntoZval, Object, PhpResult};

thread_local! {
    static RESOLVERS: RefCell<Vec<Object>> = const { RefCell::new(Vec::new()) };
    /// The coroutines that run a resolver; their own connections are resolved with DNS, not recursively.
    static RESOLVING: RefCell<Vec<Option<u64>>> = const { RefCell::new(Vec::new()) };
}

/// The result of a resolver.
pub enum Found {
    /// One address, optionally with a port.
    One(Node),
    /// Several nodes: an object of `Swoole\NameResolver\Cluster`.
    Cluster(Object),
}

/// Adds a resolver behind the others.
pub fn add(resolver: &Object) {
    RESOLVERS.with_borrow_mut(|all| all.push(resolver.clone()));
}

/// Removes a resolver. False if it was not registered.
pub fn remove(resolver: &Object) -> bool {
    let gone = RESOLVERS.with_borrow_mut(|all| {
        let at = all.iter().position(|one| one.handle() == resolver.handle())?;
        Some(all.remove(at))
    });
    gone.is_some()
}

/// Replaces all resolvers.
pub fn set(resolvers: Vec<Object>) {
    let old = RESOLVERS.replace(resolvers);
    drop(old);
}

/// The result of the first resolver that knows the name; `None` if it has to be resolved with DNS.
pub fn find(name: &str) -> PhpResult<Option<Found>> {
    let all = RESOLVERS.with_borrow(Vec::clone);
    let me = current_id();
    if all.is_empty() || RESOLVING.with_borrow(|resolving| resolving.contains(&me)) {
        return Ok(None);
    }
    RESOLVING.with_borrow_mut(|resolving| resolving.push(me));
    let found = query(&all, name);
    RESOLVING.with_borrow_mut(|resolving| {
        if let Some(at) = resolving.iter().rposition(|one| *one == me) {
            resolving.remove(at);
        }
    });
    found
}

fn query(all: &[Object], name: &str) -> PhpResult<Option<Found>> {
    for resolver in all {
        let answer = resolver.call_method("lookup", &mut [name.into_zval()])?;
        if let Some(cluster) = answer.object().filter(|object| object.payload::<Cluster>().is_some()) {
            return Ok(Some(Found::Cluster(cluster.clone())));
        }
        if let Some(node) = answer.bytes().and_then(|text| Node::parse(&String::from_utf8_lossy(text))) {
            return Ok(Some(Found::One(node)));
        }
    }
    Ok(None)
}

/// The addresses to try, in order, for a host name; `None` if no resolver knows it. `port` is used for nodes without a port
/// of their own. Nodes of the other address family are omitted.
pub fn addresses(name: &str, six: bool, port: u16) -> PhpResult<Option<Vec<SocketAddr>>> {
    let nodes = match find(name)? {
        None => return Ok(None),
        Some(Found::One(node)) => vec![node],
        Some(Found::Cluster(cluster)) => match cluster.payload::<Cluster>() {
            Some(cluster) => std::iter::from_fn(|| cluster.pop()).collect(),
            None => return Ok(None),
        },
    };
    let of_family = nodes.into_iter().filter(|node| node.ip.is_ipv6() == six);
    Ok(Some(of_family.map(|node| SocketAddr::new(node.ip, node.port.unwrap_or(port))).collect()))
}

/// Whether a host is an IP address, which needs no lookup.
pub fn is_address(host: &str) -> bool {
    host.parse::<IpAddr>().is_ok()
}

/// Removes all resolvers at the end of the request.
pub fn request_end() {
    set(Vec::new());
}

/// `Swoole\NameResolver`.
pub static RESOLVER: ClassSlot = ClassSlot::new();

/// The resolvers in a PHP array; other values are ignored.
pub fn resolvers_in(list: &Array) -> Vec<Object> {
    let objects = list.iter().filter_map(|(_, one)| one.object());
    objects.filter(|object| object.class().is_a(RESOLVER.get())).cloned().collect()
}
