//! Live coroutines by id. Ids only increase, so the table consists of pages of consecutive ids; a page is allocated with its
//! first coroutine and freed with its last.

use std::collections::VecDeque;

/// A map from ids to coroutines.
pub(super) struct Table<T> {
    /// Consecutive pages, starting with number `first`.
    pages: VecDeque<Option<Box<Page<T>>>>,
    first: u64,
    /// An empty page to be reused.
    spare: Option<Box<Page<T>>>,
}

struct Page<T> {
    slots: [Option<T>; PAGE],
    used: u32,
}

impl<T: Clone> Table<T> {
    /// An empty table.
    pub(super) const fn new() -> Self {
        Table { pages: VecDeque::new(), first: 0, spare: None }
    }

    /// Adds a coroutine.
    pub(super) fn insert(&mut self, id: u64, coroutine: T) {
        let number = id / PAGE as u64;
        if self.pages.is_empty() {
            self.first = number;
        }
        while number < self.first {
            self.first -= 1;
            self.pages.push_front(None);
        }
        while self.first + self.pages.len() as u64 <= number {
            self.pages.push_back(None);
        }
        let page = &mut self.pages[(number - self.first) as usize];
        let spare = &mut self.spare;
        let page = page.get_or_insert_with(|| {
            spare.take().unwrap_or_else(|| Box::new(Page { slots: [const { None }; PAGE], used: 0 }))
        });
        page.used += 1;
        page.slots[id as usize % PAGE] = Some(coroutine);
    }

    /// The coroutine with that id.
    #[inline]
    pub(super) fn get(&self, id: u64) -> Option<T> {
        let number = (id / PAGE as u64).checked_sub(self.first)?;
        self.pages.get(usize::try_from(number).ok()?)?.as_ref()?.slots[id as usize % PAGE].clone()
    }

    /// Removes the coroutine with that id.
    pub(super) fn remove(&mut self, id: u64) -> Option<T> {
        let number = (id / PAGE as u64).checked_sub(self.first)? as usize;
        let slot = self.pages.get_mut(number)?;
        let page = slot.as_mut()?;
        let removed = page.slots[id as usize % PAGE].take()?;
        page.used -= 1;
        if page.used == 0 {
            self.spare = slot.take();
            while let Some(None) = self.pages.front() {
                self.pages.pop_front();
                self.first += 1;
            }
        }
        Some(removed)
    }

    /// All ids in ascending order.
    pub(super) fn ids(&self) -> Vec<u64> {
        let pages = (self.first..).zip(&self.pages).filter_map(|(number, page)| Some((number, page.as_ref()?)));
        let slots = pages.flat_map(|(number, page)| (number * PAGE as u64..).zip(&page.slots));
        slots.filter(|(_, slot)| slot.is_some()).map(|(id, _)| id).collect()
    }
}

/// Ids per page.
const PAGE: usize = 256;
