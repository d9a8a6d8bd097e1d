//! The framing of MQTT packets. Source: the fixed header of MQTT 3.1.1 (section 2.2) and MQTT 5.0 (section 2.1), which
//! have the same form.
//!
//! ```
//! use swoosh_proto::framing::FrameStatus;
//! use swoosh_proto::mqtt;
//!
//! let publish = b"\x30\x05\0\x01aHi";
//! assert_eq!(mqtt::next(1024, &publish[..2]), Ok(FrameStatus::Incomplete(Some(7))));
//! assert_eq!(mqtt::next(1024, publish), Ok(FrameStatus::Complete(7)));
//! ```

use crate::PeerFault;
use crate::frame_status::FrameStatus;

/// Examines the packet at the front of `buf`; called like
/// [`framing::Framer::next`](super::framing::Framer::next).
///
/// # Errors
/// If the packet is longer than `max` bytes or its fixed header is invalid.
pub fn next(max: u64, buf: &[u8]) -> Result<FrameStatus, PeerFault> {
    let Some(&first) = buf.first() else { return Ok(FrameStatus::Incomplete(None)) };
    check_type_and_flags(first)?;
    let mut length: u64 = 0;
    for index in 0..LENGTH_BYTES {
        let Some(&byte) = buf.get(1 + index) else { return Ok(FrameStatus::Incomplete(None)) };
        length |= u64::from(byte & 0x7F) << (7 * index);
        if byte & 0x80 == 0 {
            let total = 2 + index as u64 + length;
            return match total {
                _ if total > max => Err(PeerFault::TooLong { length: Some(total), max }),
                _ if total <= buf.len() as u64 => Ok(FrameStatus::Complete(total as usize)),
                _ => Ok(FrameStatus::Incomplete(Some(total))),
            };
        }
    }
    Err(PeerFault::Malformed("the remaining length of an MQTT packet has at most four bytes"))
}

/// Type and flags (section 2.2.2: "If invalid flags are received, the receiver MUST close the Network Connection").
fn check_type_and_flags(first: u8) -> Result<(), PeerFault> {
    let flags = first & 15;
    match first >> 4 {
        0 => Err(PeerFault::Malformed("MQTT packet type 0 is reserved")),
        // PUBLISH; quality of service 3 is reserved.
        3 if flags & 6 != 6 => Ok(()),
        // PUBREL, SUBSCRIBE, UNSUBSCRIBE.
        6 | 8 | 10 if flags == 2 => Ok(()),
        3 | 6 | 8 | 10 => Err(PeerFault::Malformed("the flags are invalid for this MQTT packet type")),
        _ if flags == 0 => Ok(()),
        _ => Err(PeerFault::Malformed("the flags are invalid for this MQTT packet type")),
    }
}

/// Bytes of a remaining length, at most (section 2.2.3).
const LENGTH_BYTES: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_decoded_as_in_table_2_4() {
        // The bounds of table 2.4.
        for (length, bytes) in [
            (0usize, &[0x00][..]),
            (127, &[0x7F]),
            (128, &[0x80, 0x01]),
            (16_383, &[0xFF, 0x7F]),
            (16_384, &[0x80, 0x80, 0x01]),
            (2_097_151, &[0xFF, 0xFF, 0x7F]),
            (2_097_152, &[0x80, 0x80, 0x80, 0x01]),
        ] {
            let header = [&[0x30], bytes].concat();
            let whole = header.len() + length;
            let packet = [header, vec![b'x'; length]].concat();
            assert_eq!(next(1 << 30, &packet), Ok(FrameStatus::Complete(whole)));
            assert_eq!(next(1 << 30, &[&packet[..], b"\xC0\0"].concat()), Ok(FrameStatus::Complete(whole)));
            for end in 0..=bytes.len() {
                assert_eq!(next(1 << 30, &packet[..end]), Ok(FrameStatus::Incomplete(None)));
            }
            if length > 0 {
                assert_eq!(next(1 << 30, &packet[..whole - 1]), Ok(FrameStatus::Incomplete(Some(whole as u64))));
            }
        }
    }

    #[test]
    fn invalid_headers_are_refused() {
        for bad in [&b"\0\0"[..], b"\x36\0", b"\x60\0", b"\x80\0", b"\xA1\0", b"\xC1\0", b"\x30\xFF\xFF\xFF\xFF\x01"] {
            assert!(matches!(next(1 << 30, bad), Err(PeerFault::Malformed(_))), "{}", bad.escape_ascii());
        }
        for good in [&b"\x3D\0"[..], b"\x62\0", b"\x82\0", b"\xA2\0", b"\xC0\0", b"\xF0\0"] {
            assert_eq!(next(1 << 30, good), Ok(FrameStatus::Complete(2)));
        }
    }

    #[test]
    fn a_packet_longer_than_the_limit_is_refused_at_its_header() {
        assert_eq!(next(100, &[0x30, 98]), Ok(FrameStatus::Incomplete(Some(100))));
        assert_eq!(next(100, &[0x30, 99]), Err(PeerFault::TooLong { length: Some(101), max: 100 }));
    }
}
