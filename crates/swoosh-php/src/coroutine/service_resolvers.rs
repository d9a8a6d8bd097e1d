//! Resolvers of names: objects of PHP that know where services are, asked before the name servers whenever somebody
//! connects to a host by its name.

use super::cluster::{Cluster, Node};
use super::scheduler::current_id;
use std::cell::RefCell;
use std::net::{IpAddr, SocketAddr};
use swoosh_zend::{Array, ClassSlot, IntoZval, Object, PhpResult};

thread_local! {
    static RESOLVERS: RefCell<Vec<Object>> = const { RefCell::new(Vec::new()) };
    /// The coroutines that ask a resolver: what it connects to itself is no service.
    static ASKING: RefCell<Vec<Option<u64>>> = const { RefCell::new(Vec::new()) };
}

/// What a resolver knows of a name.
pub enum Found {
    /// One address, perhaps with a port.
    One(Node),
    /// Several nodes: an object of `Swoole\NameResolver\Cluster`.
    Cluster(Object),
}

/// Asks this one too, last.
pub fn add(resolver: &Object) {
    RESOLVERS.with_borrow_mut(|all| all.push(resolver.clone()));
}

/// Asks it no more. False if it was not asked.
pub fn remove(resolver: &Object) -> bool {
    let gone = RESOLVERS.with_borrow_mut(|all| {
        let at = all.iter().position(|one| one.handle() == resolver.handle())?;
        Some(all.remove(at))
    });
    gone.is_some()
}

/// Asks these, and no others.
pub fn set(resolvers: Vec<Object>) {
    let old = RESOLVERS.replace(resolvers);
    drop(old);
}

/// What the first resolver that knows a name says; `None`: it is one for the name servers.
pub fn find(name: &str) -> PhpResult<Option<Found>> {
    let all = RESOLVERS.with_borrow(Vec::clone);
    let me = current_id();
    if all.is_empty() || ASKING.with_borrow(|asking| asking.contains(&me)) {
        return Ok(None);
    }
    ASKING.with_borrow_mut(|asking| asking.push(me));
    let found = ask(&all, name);
    ASKING.with_borrow_mut(|asking| {
        if let Some(at) = asking.iter().rposition(|one| *one == me) {
            asking.remove(at);
        }
    });
    found
}

fn ask(all: &[Object], name: &str) -> PhpResult<Option<Found>> {
    for resolver in all {
        let said = resolver.call_method("lookup", &mut [name.into_zval()])?;
        if let Some(cluster) = said.object().filter(|object| object.payload::<Cluster>().is_some()) {
            return Ok(Some(Found::Cluster(cluster.clone())));
        }
        if let Some(node) = said.bytes().and_then(|text| Node::parse(&String::from_utf8_lossy(text))) {
            return Ok(Some(Found::One(node)));
        }
    }
    Ok(None)
}

/// Where to connect to, one after the other, for a host by name; `None`: no resolver knows it. Nodes without a port of
/// their own have `port`; those of the other family are left out.
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

/// Whether a host is an address, which nobody has to be asked for.
pub fn is_address(host: &str) -> bool {
    host.parse::<IpAddr>().is_ok()
}

/// The request ends.
pub fn request_end() {
    set(Vec::new());
}

/// `Swoole\NameResolver`.
pub static RESOLVER: ClassSlot = ClassSlot::new();

/// The resolvers that a list of PHP's names; others in it count for nothing.
pub fn resolvers_in(list: &Array) -> Vec<Object> {
    let objects = list.iter().filter_map(|(_, one)| one.object());
    objects.filter(|object| object.class().is_a(RESOLVER.get())).cloned().collect()
}
