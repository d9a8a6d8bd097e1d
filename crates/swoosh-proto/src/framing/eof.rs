//! Packets that end with a marker (`package_eof`).

use crate::PeerFault;
use crate::frame_status::FrameStatus;
use memchr::memmem;

/// Finds the first marker. `searched` holds the bytes at the front in which no marker begins.
pub(super) fn first_eof(searched: &mut usize, eof: &[u8], max: u64, buf: &[u8]) -> Result<FrameStatus, PeerFault> {
    let within = &buf[..buf.len().min(usize::try_from(max).unwrap_or(usize::MAX))];
    let from = (*searched).min(within.len());
    if let Some(at) = memmem::find(&within[from..], eof) {
        return Ok(FrameStatus::Complete(from + at + eof.len()));
    }
    if within.len() as u64 >= max {
        return Err(PeerFault::TooLong { length: None, max });
    }
    // A marker may have begun in the last bytes.
    *searched = within.len().saturating_sub(eof.len() - 1);
    Ok(FrameStatus::Incomplete(None))
}

/// Takes all bytes as soon as they end with a marker. If a peer sends without a pause, so that no read ends with one, a
/// full buffer is taken up to its last marker.
pub(super) fn last_eof(eof: &[u8], max: u64, buf: &[u8]) -> Result<FrameStatus, PeerFault> {
    let full = buf.len() as u64 >= max;
    if buf.ends_with(eof) && buf.len() as u64 <= max {
        return Ok(FrameStatus::Complete(buf.len()));
    }
    if !full {
        return Ok(FrameStatus::Incomplete(None));
    }
    match memmem::rfind(&buf[..max as usize], eof) {
        Some(at) => Ok(FrameStatus::Complete(at + eof.len())),
        None => Err(PeerFault::TooLong { length: None, max }),
    }
}
