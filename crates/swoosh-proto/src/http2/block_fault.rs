//! Why a header block was refused: by its coding (HPACK, RFC 7541), or by a field that no message may have.
//!
//! The crate h2 does not tell the two apart, though RFC 9113 does: the first is COMPRESSION_ERROR (section 4.3), the second
//! PROTOCOL_ERROR (section 8.1.1). Runs once a connection has failed, so it is written for size and not for speed.

use super::frames::{FrameHead, FrameScanner};
use super::hpack::primitive::{self, Text};
use crate::http1::is_token_byte;

/// The kind of a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BlockFault {
    /// It is not valid HPACK.
    Coding,
    /// It has a field that is malformed.
    Field,
}

/// The first fault in the header blocks of `frames`, which begin with a frame. Indexes are not looked up, because the table is
/// not known; `None` means that one of them is wrong.
///
/// ```
/// use swoosh_proto::http2::block_fault::{BlockFault, first_fault};
///
/// let frame = |block: &[u8]| [&[0, 0, block.len() as u8, 1, 5, 0, 0, 0, 1], block].concat();
/// assert_eq!(first_fault(&frame(b"\x82\0\x05Upper\x01v"), 4096), Some(BlockFault::Field));
/// assert_eq!(first_fault(&frame(b"\x82\0\x7fname"), 4096), Some(BlockFault::Coding));
/// assert_eq!(first_fault(&frame(b"\x82\xff\x70"), 4096), None);
/// ```
pub fn first_fault(frames: &[u8], max_table: usize) -> Option<BlockFault> {
    let (mut scanner, mut rest) = (FrameScanner::default(), frames);
    let mut block = Vec::new();
    while !rest.is_empty() {
        let (taken, head) = scanner.advance(rest);
        rest = &rest[taken..];
        let Some(head) = head else { continue };
        if head.kind != FrameHead::HEADERS && head.kind != FrameHead::CONTINUATION {
            continue;
        }
        let payload = &rest[..rest.len().min(head.length as usize)];
        block.extend_from_slice(fragment(&head, payload)?);
        if head.flags & FrameHead::END_HEADERS != 0
            && let Err(fault) = check(&std::mem::take(&mut block), max_table)
        {
            return Some(fault);
        }
    }
    None
}

/// The part of a payload that belongs to the block.
fn fragment<'a>(head: &FrameHead, payload: &'a [u8]) -> Option<&'a [u8]> {
    if head.kind == FrameHead::CONTINUATION {
        return Some(payload);
    }
    let padding = if head.flags & 8 != 0 { 1 + usize::from(*payload.first()?) } else { 0 };
    let start = usize::from(padding > 0) + if head.flags & 32 != 0 { 5 } else { 0 };
    payload.get(start..payload.len().checked_sub(padding.saturating_sub(1))?)
}

fn check(block: &[u8], max_table: usize) -> Result<(), BlockFault> {
    let mut rest = block;
    let mut has_fields = false;
    while let Some(&first) = rest.first() {
        let prefix = match first {
            0x80.. => {
                if integer(&mut rest, 7)? == 0 {
                    return Err(BlockFault::Coding);
                }
                has_fields = true;
                continue;
            }
            0x40..0x80 => 6,
            0x20..0x40 => {
                if has_fields || integer(&mut rest, 5)? > max_table {
                    return Err(BlockFault::Coding);
                }
                continue;
            }
            _ => 4,
        };
        has_fields = true;
        let index = integer(&mut rest, prefix)?;
        let name = if index == 0 { Some(string(&mut rest)?) } else { None };
        let value = string(&mut rest)?;
        let is_pseudo = name.as_ref().is_some_and(|name| name.starts_with(b":"));
        let is_method = index == 2 || index == 3 || name.as_deref() == Some(b":method");
        let valid_name = name.is_none_or(|name| is_name(&name));
        let valid_value = if is_method { value.iter().all(|&b| is_token_byte(b)) } else { is_value(&value, is_pseudo) };
        if !valid_name || !valid_value {
            return Err(BlockFault::Field);
        }
    }
    Ok(())
}

fn integer(rest: &mut &[u8], prefix: u32) -> Result<usize, BlockFault> {
    primitive::integer(rest, prefix).ok_or(BlockFault::Coding)
}

fn string(rest: &mut &[u8]) -> Result<Vec<u8>, BlockFault> {
    Text::take(rest).and_then(|text| text.decode()).ok_or(BlockFault::Coding)
}

fn is_name(name: &[u8]) -> bool {
    match name.strip_prefix(b":") {
        Some(pseudo) => matches!(pseudo, b"method" | b"scheme" | b"authority" | b"path" | b"protocol"),
        None => !name.is_empty() && name.iter().all(|&b| is_token_byte(b) && !b.is_ascii_uppercase()),
    }
}

fn is_value(value: &[u8], is_pseudo: bool) -> bool {
    if is_pseudo && std::str::from_utf8(value).is_err() {
        return false;
    }
    value.iter().all(|&b| b >= 0x20 && b != 0x7f || b == b'\t')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(block: &[u8]) -> Option<BlockFault> {
        let head = FrameHead { length: block.len() as u32, kind: FrameHead::HEADERS, flags: 5, stream: 1 };
        first_fault(&[&head.encode()[..], block].concat(), 4096)
    }

    #[test]
    fn faults_of_the_coding_differ_from_those_of_fields() {
        use BlockFault::*;
        for (block, wanted) in [
            (&b"\x82\x86\0\x01x\x01y"[..], None),
            (b"\x20\x3f\xe1\x1f\x82", None),
            (b"\xbe", None),
            (b"\x80", Some(Coding)),
            (b"\x82\x20", Some(Coding)),
            (b"\x3f\xe2\x1f", Some(Coding)),
            (b"\x82\0\x01x", Some(Coding)),
            (b"\xff\x80\x80\x80\x80\x01", Some(Coding)),
            (b"\0\x81\x64\x01v", Some(Coding)),
            (b"\0\0\x01v", Some(Field)),
            (b"\0\x02Xy\x01v", Some(Field)),
            (b"\0\x05:path\x02/\xff", Some(Field)),
            (b"\0\x04:new\x01v", Some(Field)),
            (b"\x02\x03G T", Some(Field)),
            (b"\0\x01x\x02a\n", Some(Field)),
            (b"\0\x02Xy\x01v\x80", Some(Field)),
        ] {
            assert_eq!(fault(block), wanted, "{block:?}");
        }
    }

    #[test]
    fn blocks_are_found_behind_other_frames_and_within_padding() {
        let frame = |kind, flags, payload: &[u8]| {
            [&FrameHead { length: payload.len() as u32, kind, flags, stream: 1 }.encode()[..], payload].concat()
        };
        let padded = frame(1, 8 | 32, b"\x02\0\0\0\0\x10\0\x02Xy\0\0");
        let frames = [frame(0, 1, b"\x80\x80"), padded, frame(9, 4, b"\x01v")].concat();
        assert_eq!(first_fault(&frames, 4096), Some(BlockFault::Field));
        assert_eq!(first_fault(&frames[..frames.len() - 5], 4096), None, "it is not complete");
    }
}
