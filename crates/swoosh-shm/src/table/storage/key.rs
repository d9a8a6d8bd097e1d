//! Keys as words, and their hashes.

use crate::bytes::word_from_bytes;
use crate::table::schema::{KEY_WORDS, Row};

/// A key: its hash, and its bytes as words, padded with zeros.
pub(in crate::table) struct Key {
    pub(super) hash: u64,
    pub(super) len: u32,
    pub(super) words: [u64; KEY_WORDS],
}

impl Key {
    /// Hashes a key of at most [`MAX_KEY_BYTES`](crate::table::MAX_KEY_BYTES).
    #[inline]
    pub(super) fn new(key: &[u8], seed: u64) -> Self {
        let mut words = [0; KEY_WORDS];
        let mut hash = seed ^ key.len() as u64;
        for (word, chunk) in words.iter_mut().zip(key.chunks(8)) {
            *word = word_from_bytes(chunk);
            hash = folded_multiply(hash ^ *word, MULTIPLIER);
        }
        Key { hash: folded_multiply(hash, MULTIPLIER_2), len: key.len() as u32, words }
    }

    /// Makes this the key of a copied row.
    #[inline]
    pub(in crate::table) fn copy_to(&self, row: &mut Row) {
        row.key = self.words;
        row.key_len = self.len as usize;
    }
}

/// A random number per table, so that nobody can choose keys that fall into one chain.
pub(super) fn random_seed(address: u64) -> u64 {
    use std::hash::{BuildHasher, Hasher};
    let mut hasher = std::hash::RandomState::new().build_hasher();
    hasher.write_u64(address);
    hasher.finish()
}

/// Both halves of the 128-bit product, combined.
#[inline]
fn folded_multiply(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    (product >> 64) as u64 ^ product as u64
}

const MULTIPLIER: u64 = 0x9E37_79B9_7F4A_7C15;
const MULTIPLIER_2: u64 = 0xD6E8_FEB8_6659_FD93;
