//! Words of memory that a process and the children it forks see alike, and waiting on them (futex(2)).
//!
//! A word's place is never given to another while anyone can still see it: a page is unmapped when all its words are
//! gone, and words are not used anew before.

use std::cell::RefCell;
use std::ptr::NonNull;
use std::rc::Rc;
use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// A shared word of 64 bits, 0 at first.
pub struct SharedWord {
    page: Rc<Page>,
    index: usize,
}

struct Page(NonNull<AtomicI64>);

thread_local! {
    /// The page that words are taken from, and how many are.
    static CURRENT: RefCell<Option<(Rc<Page>, usize)>> = const { RefCell::new(None) };
}

impl SharedWord {
    /// A new word. `None` if the kernel has no memory.
    pub fn new() -> Option<Self> {
        CURRENT.with_borrow_mut(|current| {
            if current.as_ref().is_none_or(|(_, used)| *used == WORDS) {
                *current = Some((Rc::new(Page::map()?), 0));
            }
            let (page, used) = current.as_mut()?;
            let index = *used;
            *used += 1;
            Some(SharedWord { page: page.clone(), index })
        })
    }

    /// The word as 64 bits.
    pub fn long(&self) -> &AtomicI64 {
        // SAFETY: the page holds WORDS words, `index` is below, and the page lives as long as `self`.
        unsafe { self.page.0.add(self.index).as_ref() }
    }

    /// The word's first 32 bits.
    pub fn word(&self) -> &AtomicU32 {
        // SAFETY: the same place; a word is used by one of the two views only.
        unsafe { self.page.0.add(self.index).cast::<AtomicU32>().as_ref() }
    }

    /// Sleeps while the first 32 bits are `value`, until somebody wakes the word or `limit` is over; true if it was
    /// woken (or need not sleep any more).
    pub fn wait(&self, value: u32, limit: Option<Duration>) -> bool {
        let end = limit.map(|limit| Instant::now() + limit);
        loop {
            let left = end.map(|end| end.saturating_duration_since(Instant::now()));
            let time = left.map(|left| libc::timespec {
                tv_sec: left.as_secs() as libc::time_t,
                tv_nsec: i64::from(left.subsec_nanos()),
            });
            let time = time.as_ref().map_or(std::ptr::null(), std::ptr::from_ref);
            // SAFETY: futex(2) reads the word and the time, both alive.
            let result = unsafe { libc::syscall(libc::SYS_futex, self.word().as_ptr(), libc::FUTEX_WAIT, value, time) };
            if result == 0 {
                return true;
            }
            match std::io::Error::last_os_error().raw_os_error() {
                Some(libc::EINTR) => continue,
                Some(libc::EAGAIN) => return self.word().load(Ordering::Acquire) != value,
                _ => return false,
            }
        }
    }

    /// Wakes at most `count` sleepers.
    pub fn wake(&self, count: i32) {
        // SAFETY: futex(2) reads the address only.
        unsafe { libc::syscall(libc::SYS_futex, self.word().as_ptr(), libc::FUTEX_WAKE, count) };
    }
}

impl Page {
    fn map() -> Option<Self> {
        // SAFETY: a new anonymous mapping; nothing else is at its address.
        let at = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                WORDS * 8,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_SHARED | libc::MAP_ANONYMOUS,
                -1,
                0,
            )
        };
        if at == libc::MAP_FAILED {
            return None;
        }
        NonNull::new(at.cast::<AtomicI64>()).map(Page)
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        // SAFETY: the mapping is ours and no word of it is left in this process.
        unsafe { libc::munmap(self.0.as_ptr().cast(), WORDS * 8) };
    }
}

/// Words on a page of 4 KiB.
const WORDS: usize = 512;
