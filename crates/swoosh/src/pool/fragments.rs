//! Messages of any length between workers: split into datagrams by the sender, reassembled by the receiver.
//!
//! Invariant: only complete messages are delivered. A message whose sender died half-way, or whose first fragments went to a
//! worker that died, is dropped.

use super::pipe::Pipe;
use crate::error::{Error, Result};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// Sends a message in as many datagrams as it needs.
///
/// # Errors
/// If the receiver has no room in time; it drops the fragments that it has.
pub(super) fn send(remote: &Pipe, data: &[u8]) -> Result<()> {
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
        remote.send_within(&datagram, SEND_TIMEOUT)?;
        offset += chunk.len();
        if offset == data.len() {
            return Ok(());
        }
    }
}

/// Reassembles messages.
#[derive(Debug, Default)]
pub(super) struct Reassembly {
    /// By message id: the fragments so far.
    incomplete: BTreeMap<u64, Vec<u8>>,
}

impl Reassembly {
    /// Takes a datagram; returns the message that it completes.
    pub(super) fn take(&mut self, datagram: &[u8]) -> Option<Vec<u8>> {
        let (header, chunk) = datagram.split_at_checked(HEADER)?;
        let id = u64::from_ne_bytes(header[..8].try_into().ok()?);
        let length = u32::from_ne_bytes(header[8..12].try_into().ok()?) as usize;
        let offset = u32::from_ne_bytes(header[12..].try_into().ok()?) as usize;
        if offset == 0 && chunk.len() == length {
            return Some(chunk.to_vec());
        }
        if offset == 0 && self.incomplete.len() >= MAX_INCOMPLETE {
            self.incomplete.pop_first();
        }
        let message = match offset {
            0 => self.incomplete.entry(id).or_default(),
            _ => self.incomplete.get_mut(&id)?,
        };
        if message.len() != offset || offset + chunk.len() > length {
            self.incomplete.remove(&id);
            return None;
        }
        message.extend_from_slice(chunk);
        if message.len() < length { None } else { self.incomplete.remove(&id) }
    }
}

/// The longest wait for room, for each datagram.
pub(super) const SEND_TIMEOUT: Duration = Duration::from_secs(1);
/// A datagram's header: the message's id (8 bytes), its length (4) and the offset of the fragment (4).
const HEADER: usize = 16;
const CHUNK: usize = 48 << 10;
/// Incomplete messages that a receiver keeps; the oldest is dropped for another.
const MAX_INCOMPLETE: usize = 1024;
/// The id of this process's next message, lower half.
static NEXT: AtomicU32 = AtomicU32::new(0);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pool::pipe::PipeKind;

    fn datagrams(data: &[u8]) -> Vec<Vec<u8>> {
        let (remote, local) = Pipe::pair(PipeKind::Datagram).unwrap();
        let mut buffer = vec![0; HEADER + CHUNK];
        send(&remote, data).unwrap();
        let count = data.len().div_ceil(CHUNK).max(1);
        (0..count).map(|_| local.receive(&mut buffer).map(|len| buffer[..len].to_vec()).unwrap()).collect()
    }

    #[test]
    fn interleaved_messages_of_two_senders_are_reassembled() {
        let (one, two) = (vec![1; 2 * CHUNK + 5], vec![2; CHUNK + 1]);
        let (first, second) = (datagrams(&one), datagrams(&two));
        let mut reassembly = Reassembly::default();
        assert_eq!(reassembly.take(&first[0]), None);
        assert_eq!(reassembly.take(&second[0]), None);
        assert_eq!(reassembly.take(&first[1]), None);
        assert_eq!(reassembly.take(&second[1]), Some(two));
        assert_eq!(reassembly.take(&first[2]), Some(one));
        assert_eq!(reassembly.take(&datagrams(b"")[0]), Some(Vec::new()));
        assert!(reassembly.incomplete.is_empty());
    }

    #[test]
    fn a_message_with_a_missing_fragment_is_dropped() {
        let parts = datagrams(&vec![7; 2 * CHUNK + 5]);
        let mut reassembly = Reassembly::default();
        assert_eq!(reassembly.take(&parts[1]), None);
        assert_eq!(reassembly.take(&parts[0]), None);
        assert_eq!(reassembly.take(&parts[2]), None);
        assert_eq!(reassembly.take(&parts[1]), None);
        assert!(reassembly.incomplete.is_empty());
        assert_eq!(reassembly.take(b"short"), None);
    }

    #[test]
    fn incomplete_messages_are_bounded() {
        let mut reassembly = Reassembly::default();
        let mut part = datagrams(&vec![7; CHUNK + 1]).swap_remove(0);
        for id in 0..2 * MAX_INCOMPLETE as u64 {
            part[..8].copy_from_slice(&id.to_ne_bytes());
            reassembly.take(&part[..HEADER + 1]);
        }
        assert_eq!(reassembly.incomplete.len(), MAX_INCOMPLETE);
    }
}
