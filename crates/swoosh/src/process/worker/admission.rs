//! Who may begin: requests beyond `worker_max_concurrency` wait here in line, those beyond `max_concurrency` are refused.
//!
//! The line is bounded: a connection is not read while much of it waits (`node/queued`), and while 64 MiB wait here
//! requests of HTTP are refused and datagrams dropped.
//!
//! The rule it protects: what is told of one connection keeps its order. A packet or the end of a connection waits behind
//! what waits of it already.

use super::base::Frame;
use crate::config::Framing;
use crate::handler::{ConnectionEvent, SessionId, Stop};
use crate::ipc::Message;
use crate::node::{InHand, Node};
use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};

/// What waits.
pub enum Waiting {
    /// Process mode: a message of a reactor.
    Message(Message),
    /// Base mode: an event of an own connection, and its bytes.
    Frame(Frame, Vec<u8>),
}

impl Waiting {
    fn bytes(&self) -> usize {
        OVERHEAD
            + match self {
                Waiting::Message(message) => message.data.len(),
                Waiting::Frame(Frame::Whole(_, whole), _) => whole.len(),
                Waiting::Frame(_, data) => data.len(),
            }
    }
}

/// What becomes of what has come.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is told now.
    Go,
    /// It is told later.
    Waits,
    /// Its peer has been told that there are too many.
    Refused,
}

#[derive(Default)]
struct Line {
    queue: VecDeque<(SessionId, Waiting, Option<InHand>)>,
    /// How much of each connection waits.
    of: HashMap<SessionId, usize>,
    /// Bytes of all that waits.
    bytes: usize,
    /// Datagrams that were dropped since the line was empty last.
    dropped: usize,
}

thread_local! {
    static LINE: RefCell<Line> = RefCell::default();
}

/// A request has come: of that connection, or a datagram (session 0). `keep`: it, should it wait.
pub fn request(node: &Node, event: &ConnectionEvent, keep: impl FnOnce() -> Waiting) -> Result<Verdict, Stop> {
    let in_hand = node.take_in_hand();
    let is_full = LINE.with_borrow(|line| line.bytes > MOST_IN_LINE);
    if is_full && event.session.0 == 0 {
        let first = LINE.with_borrow_mut(|line| {
            line.dropped += 1;
            line.dropped == 1
        });
        if first {
            crate::log::warn!("datagrams are dropped: more than {MOST_IN_LINE} bytes wait for this worker");
        }
        return Ok(Verdict::Refused);
    }
    if (is_full || node.is_crowded()) && is_http(node, event) {
        drop(in_hand);
        node.0.handler.refuse(node, event, UNAVAILABLE)?;
        return Ok(Verdict::Refused);
    }
    if node.0.waiting.get() == 0 && node.requests_begun() <= node.most_requests() {
        node.0.arriving.set(Some(in_hand));
        return Ok(Verdict::Go);
    }
    push(node, event.session, keep(), Some(in_hand));
    Ok(Verdict::Waits)
}

/// The end of a connection has come: whether it is told now.
pub fn close(node: &Node, session: SessionId, keep: impl FnOnce() -> Waiting) -> bool {
    let behind = node.0.waiting.get() > 0 && LINE.with_borrow(|line| line.of.contains_key(&session));
    if behind {
        push(node, session, keep(), None);
    }
    !behind
}

/// The next that may be told; the request's place in the count is kept until its handler takes it.
pub fn next(node: &Node) -> Option<Waiting> {
    let (_, waiting, in_hand) = LINE.with_borrow_mut(|line| {
        let is_request = line.queue.front()?.2.is_some();
        if is_request && !node.has_room_for_request() {
            return None;
        }
        let first = line.queue.pop_front()?;
        line.bytes -= first.1.bytes();
        if line.queue.is_empty() {
            line.dropped = 0;
        }
        if let Some(left) = line.of.get_mut(&first.0) {
            *left -= 1;
            if *left == 0 {
                line.of.remove(&first.0);
            }
        }
        Some(first)
    })?;
    if in_hand.is_some() {
        node.0.waiting.set(node.0.waiting.get() - 1);
        node.0.arriving.set(in_hand);
    }
    Some(waiting)
}

/// Whether nothing waits.
pub fn is_empty() -> bool {
    LINE.with_borrow(|line| line.queue.is_empty())
}

/// This worker ends: messages that wait, for its successor.
pub fn leave() -> Vec<Message> {
    let queue = LINE.take().queue;
    let message = |waiting| match waiting {
        Waiting::Message(message) => Some(message),
        Waiting::Frame(..) => None,
    };
    queue.into_iter().filter_map(|(_, waiting, _)| message(waiting)).collect()
}

/// Gives up what waits: how many requests.
pub fn leave_behind() -> usize {
    let queue = LINE.take().queue;
    queue.iter().filter(|(.., in_hand)| in_hand.is_some()).count()
}

/// What its predecessor left waits here, before all that comes.
pub fn restore(node: &Node, messages: Vec<Message>) {
    for message in messages {
        let in_hand = super::receive::is_request(&message).then(|| node.take_in_hand());
        push(node, SessionId(message.head.id), Waiting::Message(message), in_hand);
    }
}

fn push(node: &Node, session: SessionId, waiting: Waiting, in_hand: Option<InHand>) {
    node.0.waiting.set(node.0.waiting.get() + u64::from(in_hand.is_some()));
    LINE.with_borrow_mut(|line| {
        *line.of.entry(session).or_default() += 1;
        line.bytes += waiting.bytes();
        line.queue.push_back((session, waiting, in_hand));
    });
}

/// Whether a refusal can be told in that port's protocol.
fn is_http(node: &Node, event: &ConnectionEvent) -> bool {
    let port = node.state().ports.get(event.port);
    let speaks_http = port.is_some_and(|port| matches!(port.config.framing, Framing::Http));
    event.session.0 > 0 && speaks_http && !node.was_websocket(event.session)
}

/// Bytes in line above which no more are taken, where that can be told.
const MOST_IN_LINE: usize = 64 << 20;
/// What one that waits costs beside its bytes.
const OVERHEAD: usize = 128;
/// 503 Service Unavailable (RFC 9110 section 15.6.4).
const UNAVAILABLE: u16 = 503;
