//! Client certificates, readable by workers of process mode: the handshake ran in a reactor thread.
//!
//! Invariant: a row belongs to its connection. It is written before the connection is announced; a reader checks the
//! connection's id last.

use super::registry::{Registry, SlotIndex};
use crate::error::Result;
use crate::ids::SessionId;
use crate::shm::slots::CertificateRow;
use crate::shm::{SharedSlice, word_from_bytes};
use std::sync::atomic::Ordering::Relaxed;

/// One row per connection. An unused row costs no memory.
pub struct Certificates(SharedSlice<CertificateRow>);

impl Certificates {
    /// A table for the connections of `registry`.
    ///
    /// # Errors
    /// Where shared memory cannot be reserved.
    pub fn new(registry: &Registry) -> Result<Self> {
        Ok(Certificates(SharedSlice::new(registry.rows(), "certificates of clients")?))
    }

    /// Stores a peer's certificate (DER), `None` for no certificate; `false` where it is longer than 8184 bytes.
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

    /// The certificate of a connection's peer (DER).
    pub fn find(&self, registry: &Registry, session: SessionId) -> Option<Vec<u8>> {
        let (index, _) = registry.find(session)?;
        let row = self.0.get(index.0 as usize)?;
        let length = row.length.load(Relaxed) as usize;
        let words = row.words.iter().take(length.div_ceil(WORD));
        let mut der: Vec<u8> = words.flat_map(|word| word.load(Relaxed).to_ne_bytes()).collect();
        der.truncate(length);
        // The bytes belong to the connection only if it is still registered.
        std::sync::atomic::fence(std::sync::atomic::Ordering::Acquire);
        registry.find(session).filter(|_| length > 0).map(|_| der)
    }
}

const WORD: usize = size_of::<u64>();

#[cfg(test)]
mod tests {
    use super::super::registry::Peer;
    use super::*;

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
