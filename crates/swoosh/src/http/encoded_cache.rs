//! A cache of the compressed bodies of responses that repeat: pages from a cache, documents of an API.
//!
//! A body is kept once it comes for the second time, so that bodies which differ each time cost a hash and no memory. A hit is
//! compared byte by byte.

use super::coding::Coding;
use foldhash::fast::RandomState;
use std::hash::BuildHasher;

/// The encoded bodies of one thread.
pub(super) struct EncodedCache {
    slots: [Option<Entry>; SLOTS],
    /// Hashes of bodies that came last.
    recent_hashes: [u64; SEEN],
    /// Bytes of all entries.
    size: usize,
    hash_builder: RandomState,
}

struct Entry {
    hash: u64,
    variant: Variant,
    body: Box<[u8]>,
    encoded: Box<[u8]>,
}

/// The coding of a body, and the level of its encoder.
pub(super) type Variant = (Coding, u32);

impl Default for EncodedCache {
    fn default() -> Self {
        let slots = [const { None }; SLOTS];
        EncodedCache { slots, recent_hashes: [0; SEEN], size: 0, hash_builder: RandomState::default() }
    }
}

impl EncodedCache {
    /// The encoded body, from the cache or by `encode`.
    pub(super) fn get_or_encode(
        &mut self,
        variant: Variant,
        body: &[u8],
        encode: impl FnOnce() -> Option<Vec<u8>>,
    ) -> Option<Vec<u8>> {
        if body.len() > MAX_BODY {
            return encode();
        }
        // Both are part of the hash, so that the variants of a body have slots of their own.
        let hash = self.hash_builder.hash_one((variant.0 as u8, variant.1, body));
        let slot = hash as usize % SLOTS;
        if let Some(entry) = &self.slots[slot]
            && entry.hash == hash
            && entry.variant == variant
            && *entry.body == *body
        {
            return Some(entry.encoded.to_vec());
        }
        let encoded = encode()?;
        if std::mem::replace(&mut self.recent_hashes[hash as usize % SEEN], hash) == hash {
            self.insert(slot, Entry { hash, variant, body: body.into(), encoded: encoded[..].into() });
        }
        Some(encoded)
    }

    fn insert(&mut self, slot: usize, entry: Entry) {
        self.size += entry.size();
        self.size -= self.slots[slot].replace(entry).map_or(0, |old| old.size());
        // There is no order of use: the following slots are evicted until the cache fits.
        for behind in 1..SLOTS {
            if self.size <= MAX_SIZE {
                return;
            }
            self.size -= self.slots[(slot + behind) % SLOTS].take().map_or(0, |old| old.size());
        }
    }
}

impl Entry {
    fn size(&self) -> usize {
        self.body.len() + self.encoded.len()
    }
}

const SLOTS: usize = 64;
const SEEN: usize = 256;
/// Bytes of a body that is kept.
const MAX_BODY: usize = 256 << 10;
/// Bytes of all entries.
const MAX_SIZE: usize = 2 << 20;

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    /// Encodes by doubling the body, and counts how often.
    fn get(cache: &mut EncodedCache, level: u32, body: &[u8], count: &Cell<u32>) -> Vec<u8> {
        let encode = || {
            count.set(count.get() + 1);
            Some(body.repeat(2))
        };
        cache.get_or_encode((Coding::Gzip, level), body, encode).unwrap()
    }

    #[test]
    fn a_body_is_encoded_twice_and_then_kept() {
        let (mut cache, count) = (EncodedCache::default(), Cell::new(0));
        for n in 1..5 {
            assert_eq!(get(&mut cache, 1, b"body", &count), b"bodybody");
            assert_eq!(count.get(), n.min(2));
        }
    }

    #[test]
    fn variants_of_a_body_are_kept_beside_each_other() {
        // The slots depend on random keys, and may be the same now and then.
        let keeps_both = || {
            let (mut cache, count) = (EncodedCache::default(), Cell::new(0));
            for level in [1, 1, 2, 2, 1, 2] {
                assert_eq!(get(&mut cache, level, b"body", &count), b"bodybody");
            }
            count.get() == 4
        };
        assert!((0..50).filter(|_| keeps_both()).count() > 25);
    }

    #[test]
    fn bodies_that_differ_take_no_memory_and_the_rest_is_bounded() {
        let (mut cache, count) = (EncodedCache::default(), Cell::new(0));
        for n in 0..1000u32 {
            get(&mut cache, 1, &n.to_le_bytes(), &count);
        }
        assert_eq!((cache.size, count.get()), (0, 1000));
        for n in 0..60u32 {
            for _ in 0..2 {
                get(&mut cache, 1, &[n as u8; 100_000], &count);
            }
        }
        assert!(cache.size > 0 && cache.size <= MAX_SIZE);
        let held: usize = cache.slots.iter().flatten().map(Entry::size).sum();
        assert_eq!(held, cache.size);
        for _ in 0..3 {
            get(&mut cache, 1, &vec![b'l'; MAX_BODY + 1], &count);
        }
        assert_eq!(count.get(), 1000 + 120 + 3, "long bodies are not kept");
    }
}
