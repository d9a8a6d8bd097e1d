//! Certificates that clients have shown, for workers of process mode: the handshake was another thread's.
//!
//! The rule it protects: a row is its connection's. It is written before anybody hears of the connection; whoever reads it
//! looks at the connection's id last.

use super::registry::{Registry, SlotIndex};
use crate::error::Result;
use crate::handler::SessionId;
use crate::shm::slots::CertificateRow;
use crate::shm::{SharedSlice, word_from_bytes};
use std::sync::atomic::Ordering::Relaxed;

/// A row for each connection. One that is never used costs no memory.
pub struct Certificates(SharedSlice<CertificateRow>);

impl Certificates {
    /// Room for the connections of that registry.
    ///
    /// # Errors
    /// Where the kernel has no room.
    pub fn new(registry: &Registry) -> Result<Self> {
        Ok(Certificates(SharedSlice::new(registry.rows(), "certificates of clients")?))
    }

    /// Notes what a connection's peer has shown (DER), `None` for nothing; `false` where it is too long to be noted.
    pub fn note(&self, index: SlotIndex, certificate: Option<&[u8]>) -> bool {
        let row = &self.0[index.0 as usize];
        let der = certificate.unwrap_or_default();
        let fits = der.len() <= row.words.len() * WORD;
        for (word, bytes) in row.words.iter().zip(der.chunks(WORD)) {
            word.store(word_from_bytes(bytes), Relaxed);
        }
        row.length.store(if fits { der.len() as u64 } else { 0 }, Relaxed);
        fits
    }

    /// What the peer of a connection has shown.
    pub fn find(&self, registry: &Registry, session: SessionId) -> Option<Vec<u8>> {
        let (index, _) = registry.find(session)?;
        let row = self.0.get(index.0 as usize)?;
        let length = row.length.load(Relaxed) as usize;
        let words = row.words.iter().take(length.div_ceil(WORD));
        let mut der: Vec<u8> = words.flat_map(|word| word.load(Relaxed).to_ne_bytes()).collect();
        der.truncate(length);
        // What was read before is the connection's only if it is still there.
        std::sync::atomic::fence(std::sync::atomic::Ordering::Acquire);
        registry.find(session).filter(|_| length > 0).map(|_| der)
    }
}

const WORD: usize = size_of::<u64>();

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conn::registry::Peer;

    #[test]
    fn a_certificate_is_its_connections_and_goes_with_it() {
        let registry = Registry::for_test(4);
        let certificates = Certificates::new(&registry).unwrap();
        let open = || registry.open(3, 0, 0, Peer { ip: None, port: 0 }).unwrap();
        let (first, index) = open();
        assert_eq!(certificates.find(&registry, first), None);
        for length in [1, 7, 8, 1000, 8184] {
            let der: Vec<u8> = (0..length).map(|n| n as u8).collect();
            assert!(certificates.note(index, Some(&der)));
            assert_eq!(certificates.find(&registry, first), Some(der));
        }
        assert!(!certificates.note(index, Some(&[1; 8185])));
        assert_eq!(certificates.find(&registry, first), None);
        certificates.note(index, Some(b"der"));
        registry.release(first, index);
        let (second, same) = open();
        assert_eq!((certificates.find(&registry, first), same), (None, index));
        certificates.note(same, None);
        assert_eq!(certificates.find(&registry, second), None);
    }
}
