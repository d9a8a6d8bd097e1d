//! `Swoole\Connection\Iterator`: the open connections of a server or of one port.

use super::server_calls::client_info;
use crate::server::state::{Belongs, State, session};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use swoosh::handler::SessionId;
use swoosh_zend::{Call, Class, ClassBuilder, ClassSlot, IntoZval, Object, OrFalse, PhpResult, Zval};

static ITERATOR: ClassSlot = ClassSlot::new();

/// Where an iterator is.
#[derive(Default)]
pub struct Walk {
    of: Belongs,
    /// The ids fetched last.
    page: RefCell<Vec<SessionId>>,
    /// The place in the page.
    at: Cell<usize>,
    /// How many lie before the page.
    before: Cell<usize>,
}

swoosh_zend::payload!(Walk);

/// Registers the class.
pub fn register() {
    ClassBuilder::new("Swoole\\Connection\\Iterator")
        .alias("swoole_connection_iterator")
        .implements(Class::iterator())
        .implements(Class::array_access())
        .implements(Class::countable())
        .payload::<Walk>()
        .method("__construct()", nothing)
        .method("__destruct()", nothing)
        .method("rewind(): void", rewind)
        .method("next(): void", next)
        .method("current(): mixed", current)
        .method("key(): mixed", key)
        .method("valid(): bool", valid)
        .method("count(): int", count)
        .method("offsetExists(mixed $fd): bool", exists)
        .method("offsetGet(mixed $fd): mixed", get)
        .method("offsetSet(mixed $fd, mixed $value): void", nothing)
        .method("offsetUnset(mixed $fd): void", nothing)
        .register(&ITERATOR);
}

/// The connections of a server, or of one of its ports.
pub fn of(state: &Rc<State>, port: Option<usize>) -> PhpResult<Object> {
    let object = Object::new(ITERATOR.get())?;
    if let Some(walk) = object.payload::<Walk>() {
        let _ = walk.of.state.set(state.clone());
        walk.of.port.set(port);
    }
    Ok(object)
}

fn nothing(_: &mut Call<'_>) -> PhpResult<()> {
    Ok(())
}

impl Walk {
    fn fetch(&self, after: SessionId) {
        let node = self.of.state.get().and_then(|state| state.node());
        let page = node.and_then(|node| node.client_list(after, PAGE, self.of.port.get()));
        *self.page.borrow_mut() = page.unwrap_or_default();
        self.at.set(0);
    }

    fn here(&self) -> Option<SessionId> {
        self.page.borrow().get(self.at.get()).copied()
    }
}

fn rewind(call: &mut Call<'_>) -> PhpResult<()> {
    let walk = call.payload::<Walk>();
    walk.before.set(0);
    walk.fetch(SessionId(0));
    Ok(())
}

fn next(call: &mut Call<'_>) -> PhpResult<()> {
    let walk = call.payload::<Walk>();
    let last = walk.here();
    walk.at.set(walk.at.get() + 1);
    let (at, size) = (walk.at.get(), walk.page.borrow().len());
    if let (true, Some(last)) = (at == PAGE && size == PAGE, last) {
        walk.before.set(walk.before.get() + PAGE);
        walk.fetch(last);
    }
    Ok(())
}

fn current(call: &mut Call<'_>) -> PhpResult<Option<u64>> {
    Ok(call.payload::<Walk>().here().map(|session| session.0))
}

fn key(call: &mut Call<'_>) -> PhpResult<usize> {
    let walk = call.payload::<Walk>();
    Ok(walk.before.get() + walk.at.get())
}

fn valid(call: &mut Call<'_>) -> PhpResult<bool> {
    Ok(call.payload::<Walk>().here().is_some())
}

fn count(call: &mut Call<'_>) -> PhpResult<u64> {
    let of = &call.payload::<Walk>().of;
    let node = of.state.get().and_then(|state| state.node());
    Ok(node.map_or(0, |node| node.connection_count(of.port.get())))
}

fn exists(call: &mut Call<'_>) -> PhpResult<bool> {
    let node = call.payload::<Walk>().of.state.get().and_then(|state| state.node());
    let fd = call.arg(0).map_or(0, Zval::to_int);
    Ok(node.is_some_and(|node| node.exists(session(fd))))
}

fn get(call: &mut Call<'_>) -> PhpResult<OrFalse<Zval>> {
    let node = call.payload::<Walk>().of.state.get().and_then(|state| state.node());
    let fd = call.arg(0).map_or(0, Zval::to_int);
    Ok(OrFalse(node.and_then(|node| client_info(&node, session(fd))).map(IntoZval::into_zval)))
}

/// Ids that are fetched at once.
const PAGE: usize = 1000;
