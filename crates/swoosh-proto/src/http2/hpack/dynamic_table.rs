//! The dynamic table of one direction of a connection (RFC 7541 sections 2.3.2 and 4).

use std::collections::VecDeque;

/// The entries, the newest one first. `I` is what a coder knows of an entry beside its text.
#[derive(Debug)]
pub(super) struct DynamicTable<I> {
    entries: VecDeque<Entry<I>>,
    /// Octets of the entries, with [`ENTRY_OVERHEAD`] for each.
    size: usize,
    max_size: usize,
}

/// An entry.
#[derive(Debug)]
pub(super) struct Entry<I> {
    /// Name and value.
    text: Box<[u8]>,
    name_length: u32,
    pub(super) info: I,
}

impl<I> Entry<I> {
    pub(super) fn name(&self) -> &[u8] {
        self.parts().0
    }

    /// Name and value.
    pub(super) fn parts(&self) -> (&[u8], &[u8]) {
        self.text.split_at(self.name_length as usize)
    }
}

impl<I> Default for DynamicTable<I> {
    /// An empty table of the initial size.
    fn default() -> Self {
        DynamicTable { entries: VecDeque::new(), size: 0, max_size: INITIAL_SIZE }
    }
}

impl<I> DynamicTable<I> {
    /// The largest size that its entries may have.
    pub(super) fn max_size(&self) -> usize {
        self.max_size
    }

    /// Changes the largest size.
    pub(super) fn resize(&mut self, max_size: usize) {
        self.max_size = max_size;
        self.evict(max_size);
    }

    /// The entry with that position; the newest one has position 0.
    pub(super) fn get(&self, position: usize) -> Option<&Entry<I>> {
        self.entries.get(position)
    }

    /// The position of the newest entry for which `is_wanted` holds.
    pub(super) fn position(&self, is_wanted: impl FnMut(&Entry<I>) -> bool) -> Option<usize> {
        self.entries.iter().position(is_wanted)
    }

    /// Inserts an entry. One that is larger than the table empties it (RFC 7541 section 4.4).
    pub(super) fn insert(&mut self, text: Box<[u8]>, name_length: usize, info: I) {
        let size = text.len() + ENTRY_OVERHEAD;
        let Some(rest) = self.max_size.checked_sub(size) else { return self.evict(0) };
        self.evict(rest);
        self.size += size;
        self.entries.push_front(Entry { text, name_length: name_length as u32, info });
    }

    /// Removes the oldest entries until the others have at most `size` octets.
    fn evict(&mut self, size: usize) {
        while self.size > size
            && let Some(entry) = self.entries.pop_back()
        {
            self.size -= entry.text.len() + ENTRY_OVERHEAD;
        }
    }

    #[cfg(test)]
    pub(super) fn iter(&self) -> impl Iterator<Item = &Entry<I>> {
        self.entries.iter()
    }

    /// The number of its entries and their octets.
    #[cfg(test)]
    pub(super) fn usage(&self) -> (usize, usize) {
        (self.entries.len(), self.size)
    }
}

/// Octets that an entry counts beside its text (RFC 7541 section 4.1).
pub(in crate::http2) const ENTRY_OVERHEAD: usize = 32;
/// The size of a table before any setting (RFC 9113 section 6.5.2).
pub(super) const INITIAL_SIZE: usize = 4096;
