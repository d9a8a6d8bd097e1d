//! What a worker had taken and not told when it was replaced: whole messages, and the beginnings of long ones, whose rest
//! its successor finds in the mailbox.

use super::{Assembler, Head, Message};
use crate::error::Result;
use crate::sys::memfd::Memfd;
use std::rc::Rc;

/// What one worker leaves to its successor.
#[derive(Debug)]
pub struct Handover(Memfd);

impl Handover {
    /// Nothing yet.
    pub fn new() -> Result<Self> {
        Ok(Handover(Memfd::new("messages that are handed over")?))
    }

    /// Leaves messages, in order, and what a mailbox's assembler holds.
    pub fn leave(&self, messages: &[Message], assembler: &mut Assembler) -> Result<()> {
        let mut all = Vec::from((messages.len() as u64).to_le_bytes());
        for message in messages {
            message.head.words().iter().for_each(|word| all.extend_from_slice(&word.to_le_bytes()));
            all.extend_from_slice(&(message.data.len() as u64).to_le_bytes());
            all.extend_from_slice(&message.data);
        }
        for (from, data) in assembler.open.drain() {
            all.extend_from_slice(&from.to_le_bytes());
            all.extend_from_slice(&(data.len() as u64).to_le_bytes());
            all.extend_from_slice(&data);
        }
        Ok(self.0.replace(&all)?)
    }

    /// Goes on where the predecessor was, and gives its messages. What one that was killed meanwhile had not written whole
    /// is dropped.
    pub fn restore(&self, assembler: &mut Assembler) -> Result<Vec<Message>> {
        let all = self.0.take()?;
        let mut rest = &all[..];
        let mut messages = Vec::new();
        for _ in 0..number(&mut rest).unwrap_or(0) {
            let Some(message) = next_letter(&mut rest) else { return Ok(messages) };
            messages.push(message);
        }
        while let Some((from, data)) = next_beginning(&mut rest) {
            assembler.open.insert(from, data);
        }
        Ok(messages)
    }
}

fn next_letter(bytes: &mut &[u8]) -> Option<Message> {
    let mut words = [0; 4];
    for word in &mut words {
        *word = number(bytes)?;
    }
    let (head, _) = Head::unpack(&words)?;
    Some(Message { head, data: Rc::new(data(bytes)?) })
}

fn next_beginning(bytes: &mut &[u8]) -> Option<(u16, Vec<u8>)> {
    let (from, behind) = bytes.split_first_chunk::<2>()?;
    *bytes = behind;
    Some((u16::from_le_bytes(*from), data(bytes)?))
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
    use super::super::Kind;
    use super::*;

    #[test]
    fn a_successor_goes_on_where_its_predecessor_was() {
        let handover = Handover::new().unwrap();
        let mut assembler = Assembler::default();
        assembler.open.insert(1, vec![1; 300_000]);
        assembler.open.insert(7, Vec::new());
        let head = Head { kind: Kind::Data, from: 3, flags: 0, id: 1 << 40, time: 5, extra: 1, reactor: 2 };
        let messages = [b"one".to_vec(), Vec::new()].map(|data| Message { head, data: Rc::new(data) });
        handover.leave(&messages, &mut assembler).unwrap();
        let mut successor = Assembler::default();
        let left = handover.restore(&mut successor).unwrap();
        assert_eq!(left.iter().map(|l| (l.head, &l.data[..])).collect::<Vec<_>>(), [(head, &b"one"[..]), (head, b"")]);
        assert_eq!((successor.open[&1].len(), successor.open[&7].len()), (300_000, 0));
        let mut third = Assembler::default();
        assert!(handover.restore(&mut third).unwrap().is_empty());
        assert!(third.open.is_empty());
    }
}
