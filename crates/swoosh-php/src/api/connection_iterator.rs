//! `Swoole\Connection\Iterator`: the open connections of a server or of one port.

use super::server_methods::client_info;
use crate::server::state::{PhpServer, ServerRef, session};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use swoosh::handler::SessionId;
use swoosh_zend::{Call, Class, ClassBuilder, ClassSlot, IntoZval, Object, OrFalse, PhpResult, Zval};

static ITERATOR: ClassSlot = ClassSlot::new();

/// Position of an iterator; ids are fetched in pages.
#[derive(Default)]
pub struct Cursor {
    of: ServerRef,
    /// The current page of ids.
    page: RefCell<Vec<SessionId>>,
    /// Index in the page.
    at: Cell<usize>,
    /// Number of ids before the page.
    before: Cell<usize>,
}

swoosh_zend::payload!(Cursor);

/// Registers the class.
pub fn register() {
    ClassBuilder::new("Swoole\\Connection\\Iterator")
        .alias("swoole_connection_iterator")
        .implements(Class::iterator())
        .implements(Class::array_access())
        .implements(Class::countable())
        .payload::<Cursor>()
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
pub fn of(state: &Rc<PhpServer>, port: Option<usize>) -> PhpResult<Object> {
    let object = Object::new(ITERATOR.get())?;
    if let Some(cursor) = object.payload::<Cursor>() {
        cursor.of.attach(state, port);
    }
    Ok(object)
}

fn nothing(_: &mut Call<'_>) -> PhpResult<()> {
    Ok(())
}

impl Cursor {
    fn fetch(&self, after: SessionId) {
        let node = self.of.node();
        let page = node.and_then(|node| node.client_list(after, PAGE, self.of.port()));
        *self.page.borrow_mut() = page.unwrap_or_default();
        self.at.set(0);
    }

    fn here(&self) -> Option<SessionId> {
        self.page.borrow().get(self.at.get()).copied()
    }
}

fn rewind(call: &mut Call<'_>) -> PhpResult<()> {
    let cursor = call.payload::<Cursor>();
    cursor.before.set(0);
    cursor.fetch(SessionId(0));
    Ok(())
}

fn next(call: &mut Call<'_>) -> PhpResult<()> {
    let cursor = call.payload::<Cursor>();
    let last = cursor.here();
    cursor.at.set(cursor.at.get() + 1);
    let (at, size) = (cursor.at.get(), cursor.page.borrow().len());
    if let (true, Some(last)) = (at == PAGE && size == PAGE, last) {
        cursor.before.set(cursor.before.get() + PAGE);
        cursor.fetch(last);
    }
    Ok(())
}

fn current(call: &mut Call<'_>) -> PhpResult<Option<u64>> {
    Ok(call.payload::<Cursor>().here().map(|session| session.0))
}

fn key(call: &mut Call<'_>) -> PhpResult<usize> {
    let cursor = call.payload::<Cursor>();
    Ok(cursor.before.get() + cursor.at.get())
}

fn valid(call: &mut Call<'_>) -> PhpResult<bool> {
    Ok(call.payload::<Cursor>().here().is_some())
}

fn count(call: &mut Call<'_>) -> PhpResult<u64> {
    let of = &call.payload::<Cursor>().of;
    let node = of.node();
    Ok(node.map_or(0, |node| node.connection_count(of.port())))
}

fn exists(call: &mut Call<'_>) -> PhpResult<bool> {
    let node = call.payload::<Cursor>().of.node();
    let fd = call.arg(0).map_or(0, Zval::to_int);
    Ok(node.is_some_and(|node| node.exists(session(fd))))
}

fn get(call: &mut Call<'_>) -> PhpResult<OrFalse<Zval>> {
    let node = call.payload::<Cursor>().of.node();
    let fd = call.arg(0).map_or(0, Zval::to_int);
    Ok(OrFalse(node.and_then(|node| client_info(&node, session(fd))).map(IntoZval::into_zval)))
}

/// Ids per page.
const PAGE: usize = 1000;
