//! `Swoole\NameResolver\Cluster`: the nodes of a service. `Swoole\NameResolver\Context`: a lookup's parameters.

use super::registry::refuse;
use crate::coroutine::cluster::{CLUSTER, Cluster, Node};
use crate::coroutine::service_resolvers;
use std::cell::{Cell, RefCell};
use swoosh_zend::{Array, Call, ClassBuilder, ClassSlot, Object, OrFalse, PhpResult};

static CONTEXT: ClassSlot = ClassSlot::new();

/// Parameters of lookups, and the nodes not yet returned.
#[derive(Default)]
pub struct Context {
    six: Cell<bool>,
    with_port: Cell<bool>,
    left: RefCell<Option<(String, Object)>>,
}
swoosh_zend::payload!(Context: traces |context, visit| {
    if let Ok(left) = context.left.try_borrow() {
        left.iter().for_each(|(_, cluster)| cluster.trace(visit));
    }
});

impl Context {
    /// Whether IPv6 is wanted.
    pub fn is_six(&self) -> bool {
        self.six.get()
    }

    /// The next address of a name: a remaining node of the last lookup, else a new lookup. `None`: unknown name.
    pub fn next(&self, name: &str) -> PhpResult<Option<String>> {
        let known = self.left.borrow().as_ref().filter(|(of, _)| of == name).map(|(_, cluster)| cluster.clone());
        if let Some(node) = known.as_ref().and_then(|known| self.take(known)) {
            return Ok(Some(node.text(self.with_port.get())));
        }
        match service_resolvers::find(name)? {
            None => Ok(None),
            Some(service_resolvers::Found::One(node)) => Ok(Some(node.text(self.with_port.get()))),
            Some(service_resolvers::Found::Cluster(cluster)) => {
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

/// Weight of nodes without one.
pub const DEFAULT_WEIGHT: i64 = 100;
