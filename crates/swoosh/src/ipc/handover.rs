//! Handover to a successor: messages that a worker had taken and not handled when it was replaced, and the beginnings of
//! long ones, whose rest the successor finds in the mailbox.

use super::message::{Message, Piece, Source};
use super::reassembly::Reassembly;
use crate::error::Result;
use crate::sys::memfd::Memfd;
use std::rc::Rc;

/// The memory in which one worker leaves messages to its successor.
#[derive(Debug)]
pub struct Handover(Memfd);

impl Handover {
    /// An empty handover.
    ///
    /// # Errors
    /// Where its memory cannot be reserved.
    pub fn new() -> Result<Self> {
        Ok(Handover(Memfd::new("messages that are handed over")?))
    }

    /// Saves messages, in order, and the unfinished ones of a mailbox.
    ///
    /// # Errors
    /// Where there is no memory for them.
    pub fn save(&self, messages: &[Message], reassembly: &mut Reassembly) -> Result<()> {
        let mut all = Vec::from((messages.len() as u64).to_le_bytes());
        for message in messages {
            let meta = message.meta(Source::HEAD, Piece::WHOLE);
            meta.iter().for_each(|word| all.extend_from_slice(&word.to_le_bytes()));
            put_data(&mut all, message.payload());
        }
        for (source, data) in reassembly.drain() {
            all.extend_from_slice(&source.bits().to_le_bytes());
            put_data(&mut all, &data);
        }
        Ok(self.0.replace(&all)?)
    }

    /// Restores what the predecessor saved: its messages, and the unfinished ones into `reassembly`. What a predecessor
    /// that was killed meanwhile had not written completely is dropped.
    ///
    /// # Errors
    /// Where the memory cannot be read.
    pub fn restore(&self, reassembly: &mut Reassembly) -> Result<Vec<Message>> {
        let all = self.0.take()?;
        let mut rest = &all[..];
        let mut messages = Vec::new();
        for _ in 0..number(&mut rest).unwrap_or(0) {
            let Some(message) = next_message(&mut rest) else { return Ok(messages) };
            messages.push(message);
        }
        while let Some((source, data)) = next_beginning(&mut rest) {
            reassembly.restore(source, data);
        }
        Ok(messages)
    }
}

fn put_data(all: &mut Vec<u8>, data: &[u8]) {
    all.extend_from_slice(&(data.len() as u64).to_le_bytes());
    all.extend_from_slice(data);
}

fn next_message(bytes: &mut &[u8]) -> Option<Message> {
    let mut meta = [0; 4];
    for word in &mut meta {
        *word = number(bytes)?;
    }
    let payload = Rc::new(data(bytes)?);
    Message::decode(&meta, || payload)
}

fn next_beginning(bytes: &mut &[u8]) -> Option<(Source, Vec<u8>)> {
    let (source, behind) = bytes.split_first_chunk::<2>()?;
    *bytes = behind;
    Some((Source::from_bits(u16::from_le_bytes(*source)), data(bytes)?))
}

fn data(bytes: &mut &[u8]) -> Option<Vec<u8>> {
    let len = number(bytes)?;
    let (data, behind) = bytes.split_at_checked(len as usize)?;
    *bytes = behind;
    Some(data.to_vec())
}

fn number(bytes: &mut &[u8]) -> Option<u64> {
    let (number, behind) = bytes.split_first_chunk::<8>()?;
    *bytes = behind;
    Some(u64::from_le_bytes(*number))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::SessionId;
    use crate::ipc::message::Origin;

    #[test]
    fn a_successor_continues_where_its_predecessor_stopped() {
        let handover = Handover::new().unwrap();
        let mut reassembly = Reassembly::default();
        reassembly.restore(Source::reactor(1), vec![1; 300_000]);
        reassembly.restore(Source::reactor(7), Vec::new());
        let origin = Origin { session: SessionId(1 << 40), port: 1, reactor: 2, time: 5 };
        let messages = [
            Message::Packet { origin, files_checked: true, data: Rc::new(b"one".to_vec()) },
            Message::Close { origin, by_server: true },
        ];
        handover.save(&messages, &mut reassembly).unwrap();
        let mut successor = Reassembly::default();
        assert_eq!(handover.restore(&mut successor).unwrap(), messages);
        let mut partial: Vec<_> = successor.drain().map(|(source, data)| (source, data.len())).collect();
        partial.sort_by_key(|(_, len)| *len);
        assert_eq!(partial, [(Source::reactor(7), 0), (Source::reactor(1), 300_000)]);
        let mut third = Reassembly::default();
        assert!(handover.restore(&mut third).unwrap().is_empty());
        assert!(!third.is_joining());
    }
}
