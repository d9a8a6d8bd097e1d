//! Messages of any length between workers: cut into datagrams by whoever sends, put together by whoever receives.
//!
//! The rule it protects: a message is given out only once it is whole. One whose sender died in the middle, or whose
//! beginning went to a worker that died, is dropped.

use super::pipe::Pipe;
use crate::error::{Error, Result};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// Sends a message in as many datagrams as it takes.
///
/// Fails where the receiver does not take them in time: it drops what it has of the message.
pub fn send(entrance: &Pipe, data: &[u8]) -> Result<()> {
    let length = u32::try_from(data.len()).map_err(|_| Error::State {
        operation: "send to a worker",
        reason: format!("{} bytes are more than a message may have (4 GiB)", data.len()),
    })?;
    let id = u64::from(crate::sys::process::pid() as u32) << 32 | u64::from(NEXT.fetch_add(1, Ordering::Relaxed));
    let mut datagram = Vec::with_capacity(HEADER + data.len().min(CHUNK));
    let mut offset = 0;
    loop {
        let chunk = &data[offset..data.len().min(offset + CHUNK)];
        datagram.clear();
        datagram.extend_from_slice(&id.to_ne_bytes());
        datagram.extend_from_slice(&length.to_ne_bytes());
        datagram.extend_from_slice(&(offset as u32).to_ne_bytes());
        datagram.extend_from_slice(chunk);
        entrance.send_within(&datagram, PATIENCE)?;
        offset += chunk.len();
        if offset == data.len() {
            return Ok(());
        }
    }
}

/// Puts messages together.
#[derive(Debug, Default)]
pub struct Joiner {
    handover: BTreeMap<u64, Vec<u8>>,
}

impl Joiner {
    /// Takes a datagram; the message that is whole with it.
    pub fn take(&mut self, datagram: &[u8]) -> Option<Vec<u8>> {
        let (header, chunk) = datagram.split_at_checked(HEADER)?;
        let id = u64::from_ne_bytes(header[..8].try_into().ok()?);
        let length = u32::from_ne_bytes(header[8..12].try_into().ok()?) as usize;
        let offset = u32::from_ne_bytes(header[12..].try_into().ok()?) as usize;
        if offset == 0 && chunk.len() == length {
            return Some(chunk.to_vec());
        }
        if offset == 0 && self.handover.len() >= MOST_BEGUN {
            self.handover.pop_first();
        }
        let message = match offset {
            0 => self.handover.entry(id).or_default(),
            _ => self.handover.get_mut(&id)?,
        };
        if message.len() != offset || offset + chunk.len() > length {
            self.handover.remove(&id);
            return None;
        }
        message.extend_from_slice(chunk);
        if message.len() < length { None } else { self.handover.remove(&id) }
    }
}

/// How long a sender waits for room, for each datagram.
pub const PATIENCE: Duration = Duration::from_secs(1);
/// Of a datagram: the message's number, its length, and the place of what follows in it.
const HEADER: usize = 16;
const CHUNK: usize = 48 << 10;
/// Messages that a receiver may have the beginnings of.
const MOST_BEGUN: usize = 1024;
/// The number of this process's next message.
static NEXT: AtomicU32 = AtomicU32::new(0);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pool::PipeKind;

    fn datagrams(data: &[u8]) -> Vec<Vec<u8>> {
        let (entrance, exit) = Pipe::pair(PipeKind::Datagram).unwrap();
        let mut room = vec![0; HEADER + CHUNK];
        send(&entrance, data).unwrap();
        let count = data.len().div_ceil(CHUNK).max(1);
        (0..count).map(|_| exit.receive(&mut room).map(|len| room[..len].to_vec()).unwrap()).collect()
    }

    #[test]
    fn messages_of_two_senders_are_put_together_each() {
        let (one, two) = (vec![1; 2 * CHUNK + 5], vec![2; CHUNK + 1]);
        let (first, second) = (datagrams(&one), datagrams(&two));
        let mut joiner = Joiner::default();
        assert_eq!(joiner.take(&first[0]), None);
        assert_eq!(joiner.take(&second[0]), None);
        assert_eq!(joiner.take(&first[1]), None);
        assert_eq!(joiner.take(&second[1]), Some(two));
        assert_eq!(joiner.take(&first[2]), Some(one));
        assert_eq!(joiner.take(&datagrams(b"")[0]), Some(Vec::new()));
        assert!(joiner.handover.is_empty());
    }

    #[test]
    fn what_lacks_its_beginning_or_its_middle_is_dropped() {
        let parts = datagrams(&vec![7; 2 * CHUNK + 5]);
        let mut joiner = Joiner::default();
        assert_eq!(joiner.take(&parts[1]), None);
        assert_eq!(joiner.take(&parts[0]), None);
        assert_eq!(joiner.take(&parts[2]), None);
        assert_eq!(joiner.take(&parts[1]), None);
        assert!(joiner.handover.is_empty());
        assert_eq!(joiner.take(b"short"), None);
    }

    #[test]
    fn beginnings_without_an_end_take_no_memory_for_ever() {
        let mut joiner = Joiner::default();
        let mut part = datagrams(&vec![7; CHUNK + 1]).swap_remove(0);
        for id in 0..2 * MOST_BEGUN as u64 {
            part[..8].copy_from_slice(&id.to_ne_bytes());
            joiner.take(&part[..HEADER + 1]);
        }
        assert_eq!(joiner.handover.len(), MOST_BEGUN);
    }
}
