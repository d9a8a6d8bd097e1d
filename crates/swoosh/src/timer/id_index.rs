//! The index from timer ids to entries of the wheel.

use std::collections::VecDeque;

/// The entries of timers by id, in pages of consecutive ids; a page is dropped when its last timer ends.
#[derive(Debug)]
pub(super) struct IdIndex {
    /// The first of these pages has the number `first`.
    pub(super) pages: VecDeque<Option<Box<Page>>>,
    first: u64,
    next_id: u64,
}

#[derive(Debug)]
pub(super) struct Page {
    entries: [u32; PAGE],
    used: u32,
}

impl Default for IdIndex {
    fn default() -> Self {
        IdIndex { pages: VecDeque::new(), first: 0, next_id: 1 }
    }
}

impl IdIndex {
    /// The id that the next timer gets.
    pub(super) fn next_id(&self) -> u64 {
        self.next_id
    }

    /// Records the entry of the next id.
    pub(super) fn push(&mut self, at: u32) {
        let id = self.next_id;
        self.next_id += 1;
        let number = id / PAGE as u64;
        while self.first + self.pages.len() as u64 <= number {
            // The last page was kept for further ids and may be empty.
            self.drop_empty(self.pages.len().wrapping_sub(1));
            self.pages.push_back(Some(Box::new(Page { entries: [NONE; PAGE], used: 0 })));
        }
        if let Some(Some(page)) = self.pages.get_mut((number - self.first) as usize) {
            page.entries[id as usize % PAGE] = at;
            page.used += 1;
        }
    }

    /// The entry of an id.
    pub(super) fn get(&self, id: u64) -> Option<u32> {
        let number = (id / PAGE as u64).checked_sub(self.first)?;
        let page = self.pages.get(usize::try_from(number).ok()?)?.as_ref()?;
        let at = page.entries[id as usize % PAGE];
        (at != NONE).then_some(at)
    }

    /// Forgets an id.
    pub(super) fn remove(&mut self, id: u64) {
        let Some(number) = (id / PAGE as u64).checked_sub(self.first) else { return };
        let number = number as usize;
        if let Some(Some(page)) = self.pages.get_mut(number) {
            page.entries[id as usize % PAGE] = NONE;
            page.used -= 1;
            if number + 1 < self.pages.len() {
                self.drop_empty(number);
            }
        }
    }

    fn drop_empty(&mut self, number: usize) {
        if let Some(page) = self.pages.get_mut(number)
            && page.as_ref().is_some_and(|page| page.used == 0)
        {
            *page = None;
        }
        while let Some(None) = self.pages.front() {
            self.pages.pop_front();
            self.first += 1;
        }
    }
}

/// Marks an id without entry.
pub(super) const NONE: u32 = u32::MAX;
/// Ids on one page.
const PAGE: usize = 1024;
