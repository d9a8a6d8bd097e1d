//! Commands of Redis: from a worker's packet to the command's handler, and the bytes of replies.
//!
//! The commands of one connection are handled one after the other, in a coroutine that ends when none is left: the
//! replies come in their order, whatever a handler waits for.

use super::event_loop;
use super::server::{Calls, State};
use crate::class::redis_server;
use crate::coroutine;
use crate::zend::{Array, Callable, IntoZval, Key, Kind, PhpResult, Zval};
use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};
use std::rc::Rc;
use swoosh::config::Framing;
use swoosh::handler::SessionId;
use swoosh::node::Node;
use swoosh::node::Reading;
use swoosh::proto::resp;

/// What a process knows of its connections and handlers.
#[derive(Default)]
pub struct Commands {
    /// Handlers that were looked up, by the command's name in capitals.
    handlers: RefCell<HashMap<Vec<u8>, Rc<Callable>>>,
    /// By connection whose command is in hand: what it asked meanwhile.
    waiting: RefCell<HashMap<u64, VecDeque<Vec<u8>>>>,
}

impl Commands {
    /// A command's handler is another one now.
    pub fn forget(&self, name: &[u8]) {
        let gone = self.handlers.borrow_mut().remove(name);
        drop(gone);
    }

    /// The server has ended: nothing of PHP's is held any longer.
    pub fn clear(&self) {
        let gone = self.handlers.take();
        drop(gone);
    }

    /// A connection is gone, and what it asked with it.
    pub fn closed(&self, session: SessionId) {
        if let Some(queue) = self.waiting.borrow_mut().get_mut(&session.0) {
            queue.clear();
        }
    }

    fn handler(&self, calls: &Calls, name: &[u8]) -> Option<Rc<Callable>> {
        let name = name.to_ascii_uppercase();
        if let Some(known) = self.handlers.borrow().get(&name) {
            return Some(known.clone());
        }
        let given = redis_server::handler(&calls.server, &name);
        let found = Callable::new(&given).ok().map(Rc::new)?;
        self.handlers.borrow_mut().insert(name, found.clone());
        Some(found)
    }

    /// The next command of a connection; its turn is over where there is none.
    fn next(&self, node: &Node, session: SessionId) -> Option<Vec<u8>> {
        let mut waiting = self.waiting.borrow_mut();
        let queue = waiting.get_mut(&session.0)?;
        if queue.len() == MOST_WAITING {
            // Where it is closed there is nothing to read.
            let _ = node.set_reading(session, Reading::Resume);
        }
        let next = queue.pop_front();
        if next.is_none() {
            waiting.remove(&session.0);
            node.end_request(session);
        }
        next
    }
}

/// Whether a port's packets are commands.
pub fn serves(calls: &Calls, node: &Node, port: usize) -> bool {
    let is_redis = node.state().ports.get(port).is_some_and(|p| matches!(p.config.framing, Framing::Redis));
    is_redis && redis_server::is_one(&calls.server)
}

/// Takes a command: it is handled now, or when those before it are.
pub fn receive(state: &Rc<State>, calls: &Rc<Calls>, node: &Node, session: SessionId, data: &[u8]) -> PhpResult<()> {
    if let Some(queue) = state.redis.waiting.borrow_mut().get_mut(&session.0) {
        queue.push_back(data.to_vec());
        if queue.len() == MOST_WAITING {
            let _ = node.set_reading(session, Reading::Pause);
        }
        return Ok(());
    }
    if !event_loop::runs_apart() {
        return handle(state, calls, node, session, data);
    }
    state.redis.waiting.borrow_mut().insert(session.0, VecDeque::new());
    node.begin_request(session);
    let (state, calls, node, first) = (state.clone(), calls.clone(), node.clone(), data.to_vec());
    coroutine::run_event(move || {
        let mut next = Some(first);
        while let Some(command) = next {
            handle(&state, &calls, &node, session, &command)?;
            // The others are its parent's.
            if state.home.is_left() {
                return Ok(());
            }
            next = state.redis.next(&node, session);
        }
        Ok(())
    })
}

fn handle(state: &State, calls: &Calls, node: &Node, session: SessionId, command: &[u8]) -> PhpResult<()> {
    let words = resp::words(command);
    // An empty line asks for nothing.
    let Some((name, arguments)) = words.split_first() else { return Ok(()) };
    let Some(handler) = state.redis.handler(calls, name) else {
        let shown = String::from_utf8_lossy(&name[..name.len().min(LONGEST_SHOWN)]).into_owned();
        let mut reply = Vec::new();
        resp::put_error(&mut reply, format!("ERR unknown command '{shown}'").as_bytes());
        // Where the peer is gone there is nobody to be told.
        let _ = node.send(session, &reply);
        return Ok(());
    };
    let mut given = Array::with_capacity(arguments.len());
    for argument in arguments {
        given.push(*argument);
    }
    handler.call(&mut [session.0.into_zval(), given.into_zval()]).map(drop)
}

/// The types of replies, by the numbers of `Swoole\Redis\Server`'s constants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Form {
    Error = 0,
    Nil = 1,
    Status = 2,
    Int = 3,
    String = 4,
    Set = 5,
    Map = 6,
}

impl Form {
    /// The type with that number.
    pub fn from_number(number: i64) -> Option<Form> {
        use Form::*;
        [Error, Nil, Status, Int, String, Set, Map].into_iter().find(|form| *form as i64 == number)
    }
}

/// The bytes of a reply; `None`: no value was given.
///
/// # Errors
/// In words, where the type needs a value, or an array.
pub fn format(form: Form, value: Option<&Zval>) -> Result<Vec<u8>, &'static str> {
    let mut out = Vec::new();
    let text = |value: &Zval| value.to_zstr().map(|text| text.as_bytes().to_vec()).unwrap_or_default();
    match (form, value) {
        (Form::Nil, _) => resp::put_nil(&mut out),
        (Form::Error, value) => resp::put_error(&mut out, &value.map_or_else(|| b"ERR".to_vec(), text)),
        (Form::Status, value) => resp::put_status(&mut out, &value.map_or_else(|| b"OK".to_vec(), text)),
        (_, None) => return Err("a reply of this type needs a value"),
        (Form::Int, Some(value)) => resp::put_int(&mut out, value.to_int()),
        (Form::String, Some(value)) => resp::put_bulk(&mut out, &text(value)),
        (Form::Set | Form::Map, Some(value)) => {
            let items = value.array().ok_or("a reply of type SET or MAP needs an array")?;
            array(&mut out, items, form == Form::Map);
        }
    }
    Ok(out)
}

fn array(out: &mut Vec<u8>, items: &Array, with_keys: bool) {
    let count = if with_keys { 2 * items.len() } else { items.len() };
    resp::put_array(out, count);
    for (key, value) in items {
        match key {
            Key::Name(name) if with_keys => resp::put_bulk(out, name.as_bytes()),
            Key::Index(index) if with_keys => resp::put_bulk(out, index.to_string().as_bytes()),
            _ => {}
        }
        item(out, value.resolved());
    }
}

fn item(out: &mut Vec<u8>, value: &Zval) {
    match value.kind() {
        Kind::Undef | Kind::Null => resp::put_nil(out),
        Kind::False | Kind::True | Kind::Int => resp::put_int(out, value.to_int()),
        Kind::Array => {
            let Some(items) = value.array() else { return };
            let is_list = items.iter().zip(0..).all(|((key, _), at)| matches!(key, Key::Index(index) if index == at));
            array(out, items, !is_list);
        }
        _ => resp::put_bulk(out, value.to_zstr().as_ref().map(|text| text.as_bytes()).unwrap_or_default()),
    }
}

/// Commands of one connection that wait for those before them; with more it is not read.
const MOST_WAITING: usize = 1024;
/// Of an unknown command, bytes.
const LONGEST_SHOWN: usize = 128;
