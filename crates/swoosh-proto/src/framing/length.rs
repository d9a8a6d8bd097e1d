//! Packets that announce their length (`open_length_check`).

use crate::PeerFault;
use std::sync::Arc;

/// `package_length_func`: takes the bytes received so far and returns the packet's length, header included; 0 while more
/// bytes are needed; a negative number for a malformed packet.
pub type LengthFunc = Arc<dyn Fn(&[u8]) -> i64 + Send + Sync>;

/// The settings of `open_length_check`.
///
/// ```
/// use swoosh_proto::framing::{FrameStatus, Framer, Framing, LengthFraming, LengthType};
///
/// // Four bytes of length in network order, which count the bytes that follow.
/// let length = LengthFraming { kind: LengthType::U32Be, offset: 0, body_offset: 4, func: None };
/// let status = Framer::new().next(&Framing::Length(length), 1024, b"\0\0\0\x02ab");
/// assert_eq!(status, Ok(FrameStatus::Complete(6)));
/// ```
#[derive(Clone)]
pub struct LengthFraming {
    /// `package_length_type`: the type of the length field.
    pub kind: LengthType,
    /// `package_length_offset`: bytes before the length field.
    pub offset: u32,
    /// `package_body_offset`: bytes before the part that the length counts.
    pub body_offset: u32,
    /// `package_length_func`: replaces the field.
    pub func: Option<LengthFunc>,
}

/// The type of a length field, named by the letters of PHP's `pack`.
///
/// ```
/// assert_eq!(swoosh_proto::framing::LengthType::U32Be.size(), 4);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LengthType {
    /// `c`: signed, one byte.
    I8,
    /// `C`: one byte.
    U8,
    /// `s`: signed, two bytes, native order.
    I16,
    /// `S`: two bytes, native order.
    U16,
    /// `n`: two bytes, network order.
    U16Be,
    /// `v`: two bytes, little-endian.
    U16Le,
    /// `l`: signed, four bytes, native order.
    I32,
    /// `L`: four bytes, native order.
    U32,
    /// `N`: four bytes, network order.
    U32Be,
    /// `V`: four bytes, little-endian.
    U32Le,
    /// `J`: eight bytes, network order. A number beyond 2^63 is malformed.
    U64Be,
    /// `P`: eight bytes, little-endian. A number beyond 2^63 is malformed.
    U64Le,
}

/// The length, in bytes, of the packet that `buf` starts with; `None` while its length field is incomplete.
pub(super) fn packet_length(config: &LengthFraming, buf: &[u8]) -> Result<Option<u64>, PeerFault> {
    if let Some(func) = &config.func {
        if buf.is_empty() {
            return Ok(None);
        }
        return match u64::try_from(func(buf)) {
            Ok(0) => Ok(None),
            Ok(length) => Ok(Some(length)),
            Err(_) => Err(PeerFault::Malformed("package_length_func returned a negative length")),
        };
    }
    let header = u64::from(config.offset) + config.kind.size() as u64;
    if (buf.len() as u64) < header {
        return Ok(None);
    }
    let body = u64::try_from(config.kind.read(&buf[config.offset as usize..]))
        .map_err(|_| PeerFault::Malformed("the length field is negative"))?;
    let length = u64::from(config.body_offset).saturating_add(body);
    if length < header {
        return Err(PeerFault::Malformed("the packet ends before its length field"));
    }
    Ok(Some(length))
}

impl LengthType {
    /// Bytes of the field: 1, 2, 4 or 8.
    pub fn size(self) -> usize {
        match self {
            LengthType::I8 | LengthType::U8 => 1,
            LengthType::I16 | LengthType::U16 | LengthType::U16Be | LengthType::U16Le => 2,
            LengthType::I32 | LengthType::U32 | LengthType::U32Be | LengthType::U32Le => 4,
            LengthType::U64Be | LengthType::U64Le => 8,
        }
    }

    /// The number in the field that `bytes`, at least [`size`](LengthType::size) long, starts with.
    fn read(self, bytes: &[u8]) -> i64 {
        let two = || [bytes[0], bytes[1]];
        let eight = || [bytes[0], bytes[1], bytes[2], bytes[3], bytes[4], bytes[5], bytes[6], bytes[7]];
        let four = || [bytes[0], bytes[1], bytes[2], bytes[3]];
        match self {
            LengthType::I8 => i64::from(bytes[0] as i8),
            LengthType::U8 => i64::from(bytes[0]),
            LengthType::I16 => i64::from(i16::from_ne_bytes(two())),
            LengthType::U16 => i64::from(u16::from_ne_bytes(two())),
            LengthType::U16Be => i64::from(u16::from_be_bytes(two())),
            LengthType::U16Le => i64::from(u16::from_le_bytes(two())),
            LengthType::I32 => i64::from(i32::from_ne_bytes(four())),
            LengthType::U32 => i64::from(u32::from_ne_bytes(four())),
            LengthType::U32Be => i64::from(u32::from_be_bytes(four())),
            LengthType::U32Le => i64::from(u32::from_le_bytes(four())),
            // Negative beyond 2^63.
            LengthType::U64Be => i64::from_be_bytes(eight()),
            LengthType::U64Le => i64::from_le_bytes(eight()),
        }
    }
}
