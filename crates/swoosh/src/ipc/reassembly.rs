//! Joins the pieces of messages that are longer than a ring takes at once.
//!
//! Invariant: pieces of one source are never mixed. What a killed sender left unfinished is dropped when its successor
//! begins; so is the rest of a message whose beginning was lost with a killed receiver.

use super::message::{Message, Piece, Source};
use crate::shm::ring::Meta;
use std::collections::HashMap;
use std::rc::Rc;

/// The unfinished messages of one mailbox, and spare buffers for payloads.
#[derive(Debug, Default)]
pub struct Reassembly {
    partial: HashMap<Source, Vec<u8>>,
    spare: Vec<Rc<Vec<u8>>>,
}

impl Reassembly {
    /// Adds a piece; the message, once it is complete.
    pub(super) fn add(&mut self, meta: &Meta, data: &[u8]) -> Option<Message> {
        let (piece, source) = Piece::read(meta);
        if piece == Piece::WHOLE {
            return Message::decode(meta, || {
                let mut whole = self.spare.pop().unwrap_or_default();
                let buffer = Rc::make_mut(&mut whole);
                buffer.clear();
                buffer.extend_from_slice(data);
                whole
            });
        }
        if piece.first {
            self.partial.entry(source).or_default().clear();
        }
        let partial = self.partial.get_mut(&source)?;
        partial.extend_from_slice(data);
        if piece.more {
            return None;
        }
        let data = self.partial.remove(&source)?;
        Message::decode(meta, || Rc::new(data))
    }

    /// Whether the rest of a message has yet to arrive.
    pub fn is_joining(&self) -> bool {
        !self.partial.is_empty()
    }

    /// Keeps a payload's memory for the next message.
    pub fn recycle(&mut self, payload: Rc<Vec<u8>>) {
        let is_shared = Rc::strong_count(&payload) > 1;
        if !is_shared && payload.capacity() <= SPARE_LIMIT && self.spare.len() < SPARES {
            self.spare.push(payload);
        }
    }

    /// The unfinished messages, taken out.
    pub(super) fn drain(&mut self) -> impl Iterator<Item = (Source, Vec<u8>)> {
        self.partial.drain()
    }

    /// Continues an unfinished message.
    pub(super) fn restore(&mut self, source: Source, data: Vec<u8>) {
        self.partial.insert(source, data);
    }
}

/// Number of buffers that are kept.
const SPARES: usize = 2;
/// Buffers above this size are not kept.
const SPARE_LIMIT: usize = 64 << 10;
