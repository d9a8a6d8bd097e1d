//! The text of IP addresses. Every request of a server has one, and `Display` costs ten times as much.

use std::io::{Cursor, Write};
use std::net::IpAddr;

/// The text of an IP address.
///
/// ```
/// use swoosh::net::AddressText;
///
/// assert_eq!(AddressText::new([127, 0, 0, 1].into()).as_bytes(), b"127.0.0.1");
/// ```
#[derive(Debug)]
pub struct AddressText {
    text: [u8; LONGEST],
    length: usize,
}

impl AddressText {
    /// The text that `Display` gives.
    pub fn new(address: IpAddr) -> Self {
        let mut text = [0; LONGEST];
        let length = match address {
            IpAddr::V4(address) => {
                let mut length = 0;
                for (n, octet) in address.octets().into_iter().enumerate() {
                    if n > 0 {
                        text[length] = b'.';
                        length += 1;
                    }
                    for digit in [octet / 100, octet / 10 % 10, octet % 10].into_iter().skip(match octet {
                        0..10 => 2,
                        10..100 => 1,
                        _ => 0,
                    }) {
                        text[length] = b'0' + digit;
                        length += 1;
                    }
                }
                length
            }
            IpAddr::V6(address) => {
                let mut to = Cursor::new(&mut text[..]);
                // The longest text fits.
                let _ = write!(to, "{address}");
                to.position() as usize
            }
        };
        AddressText { text, length }
    }

    /// Its bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.text[..self.length]
    }
}

/// Bytes of the longest text: an IPv6 address with an embedded IPv4 address.
const LONGEST: usize = 45;

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv6Addr;

    #[test]
    fn the_text_is_that_of_display() {
        let v4 = (0..=255).map(|n: u8| IpAddr::from([n, n.wrapping_mul(7), n.wrapping_add(99), 255 - n]));
        let v6 = [
            Ipv6Addr::LOCALHOST,
            Ipv6Addr::UNSPECIFIED,
            Ipv6Addr::from([0xffff; 8]),
            "::ffff:255.255.255.255".parse().unwrap(),
        ];
        for address in v4.chain(v6.into_iter().map(IpAddr::from)) {
            assert_eq!(AddressText::new(address).as_bytes(), address.to_string().as_bytes());
        }
    }
}
