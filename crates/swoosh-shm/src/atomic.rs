//! Numbers that a process shares with those it forks, and waiting for one of them.
//!
//! Invariant: a word belongs to one number only, for as long as any process can see it. The used words of a page are
//! counted in the page itself, so parent and child, who share it, never allocate the same word. A page is unmapped in a
//! process with the last of its numbers.

use super::shared::Shareable;
use std::cell::RefCell;
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use std::sync::atomic::{AtomicI64, AtomicU32, AtomicU64};
use std::time::{Duration, Instant};
use swoosh_os::Result;
use swoosh_os::arena::Arena;
use swoosh_os::futex::{self, WaitEnd};
use swoosh_os::memory::Mapping;

/// The operations that both widths have.
macro_rules! number {
    ($(#[$doc:meta])* $name:ident, $value:ty, $view:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone)]
        pub struct $name(Word);

        impl $name {
            /// Creates a number.
            ///
            /// # Errors
            /// If the kernel or the arena of [`use_arena`] has no memory.
            pub fn new(value: $value) -> Result<Self> {
                let number = $name(Word::new()?);
                number.set(value);
                Ok(number)
            }

            /// The present value.
            #[inline]
            pub fn get(&self) -> $value {
                self.0.$view().load(SeqCst)
            }

            /// Stores a value.
            #[inline]
            pub fn set(&self, value: $value) {
                self.0.$view().store(value, SeqCst);
            }

            /// Adds and returns the sum, which wraps around.
            #[inline]
            pub fn add(&self, value: $value) -> $value {
                self.0.$view().fetch_add(value, SeqCst).wrapping_add(value)
            }

            /// Subtracts and returns the difference, which wraps around.
            #[inline]
            pub fn sub(&self, value: $value) -> $value {
                self.0.$view().fetch_sub(value, SeqCst).wrapping_sub(value)
            }

            /// Stores `new` if the value is `old`; returns whether it was.
            #[inline]
            pub fn compare_and_set(&self, old: $value, new: $value) -> bool {
                self.0.$view().compare_exchange(old, new, SeqCst, SeqCst).is_ok()
            }
        }
    };
}

number! {
    /// An unsigned number of 32 bits. Clones, and the copies in forked processes, are the same number.
    ///
    /// ```
    /// use swoosh_shm::atomic::Atomic;
    ///
    /// let ready = Atomic::new(0)?;
    /// ready.wake(1);
    /// assert!(ready.wait(None), "it was 1 and is 0 now");
    /// # Ok::<(), swoosh_os::Error>(())
    /// ```
    Atomic, u32, short
}
number! {
    /// A signed number of 64 bits. Clones, and the copies in forked processes, are the same number.
    ///
    /// ```
    /// use swoosh_shm::atomic::AtomicLong;
    ///
    /// let total = AtomicLong::new(40)?;
    /// assert_eq!(total.add(2), 42);
    /// # Ok::<(), swoosh_os::Error>(())
    /// ```
    AtomicLong, i64, long
}

impl Atomic {
    /// Waits until the value is 1 and stores 0, or until [`wake`](Atomic::wake) wakes this waiter. `true` if that happened
    /// within `limit` (`None`: no limit); `false` at once if the value is neither 0 nor 1.
    pub fn wait(&self, limit: Option<Duration>) -> bool {
        let end = limit.and_then(|limit| Instant::now().checked_add(limit));
        loop {
            if self.compare_and_set(1, 0) {
                return true;
            }
            let left = end.map(|end| end.saturating_duration_since(Instant::now()));
            match futex::wait_end(self.0.short(), 0, left) {
                // One of the waiters that were woken together stores 0.
                WaitEnd::Woken => {
                    self.compare_and_set(1, 0);
                    return true;
                }
                WaitEnd::Changed if self.get() <= 1 => {}
                WaitEnd::Changed | WaitEnd::TimedOut => return false,
            }
        }
    }

    /// Changes 0 to 1 and wakes up to `count` processes in [`wait`](Atomic::wait), which return `true`. Does nothing if the
    /// value is not 0.
    pub fn wake(&self, count: u32) {
        if self.compare_and_set(0, 1) {
            futex::wake(self.0.short(), count);
        }
    }
}

/// A word of 64 bits, 0 at first.
#[derive(Debug, Clone)]
struct Word {
    /// Keeps the page mapped.
    _page: Arc<Mapping>,
    at: NonNull<AtomicI64>,
}
// SAFETY: `at` points to an atomic in a page that `_page` keeps mapped; `Mapping` is Send and Sync.
unsafe impl Send for Word {}
// SAFETY: the word is accessed by atomic operations only.
unsafe impl Sync for Word {}

/// A page: the number of words allocated in it, and the words.
#[repr(C)]
struct Words {
    used: AtomicU64,
    words: [AtomicI64; WORDS],
}
// SAFETY: atomics only; zero is a page without allocated words.
unsafe impl Shareable for Words {}

thread_local! {
    /// The page that words are allocated from.
    static CURRENT: RefCell<Option<Arc<Mapping>>> = const { RefCell::new(None) };
    /// The arena that pages are allocated from; `None`: from the kernel.
    static ARENA: RefCell<Option<Arena>> = const { RefCell::new(None) };
}

/// Allocates the numbers that this thread creates from now on in an arena, one page for 511 of them, or in memory of
/// the kernel (`None`).
pub fn use_arena(arena: Option<&Arena>) {
    ARENA.set(arena.cloned());
    CURRENT.set(None);
}

impl Word {
    fn new() -> Result<Self> {
        CURRENT.with_borrow_mut(|current| {
            if let Some(page) = current.as_ref() {
                let index = words(page).used.fetch_add(1, Relaxed) as usize;
                if index < WORDS {
                    return Ok(Word::at(page, index));
                }
            }
            let size = size_of::<Words>();
            let page = ARENA.with_borrow(|arena| match arena {
                Some(arena) => Mapping::in_arena(arena, size, PURPOSE),
                None => Mapping::new(size, PURPOSE),
            });
            let page = Arc::new(page?);
            words(&page).used.store(1, Relaxed);
            let word = Word::at(&page, 0);
            *current = Some(page);
            Ok(word)
        })
    }

    fn at(page: &Arc<Mapping>, index: usize) -> Self {
        Word { _page: page.clone(), at: NonNull::from(&words(page).words[index]) }
    }

    #[inline]
    fn long(&self) -> &AtomicI64 {
        // SAFETY: `at` was made from a reference into the page, which `self` keeps mapped.
        unsafe { self.at.as_ref() }
    }

    /// The first 32 bits. A number uses one of the two views only.
    #[inline]
    fn short(&self) -> &AtomicU32 {
        // SAFETY: the word is live, has eight bytes and is aligned to eight, so it contains an aligned `AtomicU32`.
        unsafe { &*std::ptr::from_ref(self.long()).cast::<AtomicU32>() }
    }
}

#[inline]
fn words(page: &Mapping) -> &Words {
    // SAFETY: `Word::new` mapped the size of a `Words`, aligned to a page and zeroed, which is valid for it. It stays
    // mapped as long as `page` is borrowed.
    unsafe { page.start().cast::<Words>().as_ref() }
}

const PURPOSE: &str = "shared numbers";
/// Words on a page of 4 KiB, beside the count.
const WORDS: usize = 511;

#[cfg(test)]
mod tests {
    use super::*;
    use swoosh_os::process::{self, Fork};

    fn in_child(act: impl FnOnce() -> bool) -> bool {
        match process::fork().unwrap() {
            Fork::Child => process::exit_now(i32::from(!act())),
            Fork::Parent(pid) => loop {
                if let Some(ended) = process::try_wait(pid) {
                    return ended.status == 0;
                }
                std::thread::sleep(Duration::from_millis(1));
            },
        }
    }

    #[test]
    fn parent_and_child_share_a_number() {
        let (short, long) = (Atomic::new(u32::MAX).unwrap(), AtomicLong::new(i64::MAX).unwrap());
        assert!(in_child(|| short.add(2) == 1 && long.add(1) == i64::MIN && short.sub(2) == u32::MAX));
        assert_eq!((short.get(), long.get()), (u32::MAX, i64::MIN));
        assert!(long.compare_and_set(i64::MIN, 5) && !long.compare_and_set(6, 7) && long.sub(6) == -1);
    }

    #[test]
    fn numbers_created_after_a_fork_are_distinct() {
        let first = Atomic::new(1).unwrap();
        assert!(in_child(|| {
            let childs = Atomic::new(7).unwrap();
            first.set(2);
            childs.get() == 7
        }));
        let own = Atomic::new(9).unwrap();
        assert!(in_child(|| own.get() == 9));
        assert_eq!((first.get(), own.get()), (2, 9));
    }

    #[test]
    fn numbers_in_an_arena_share_its_pages() {
        let arena = Arena::reserve(4096).unwrap();
        use_arena(Some(&arena));
        let numbers: Vec<_> = (0..511).map(|n| AtomicLong::new(n).unwrap()).collect();
        assert!(in_child(|| numbers.iter().zip(0..).all(|(number, n)| number.add(1) == n + 1)));
        assert!(numbers.iter().zip(1..).all(|(number, n)| number.get() == n));
        let error = Atomic::new(1).unwrap_err().to_string();
        assert!(error.starts_with("take from the arena: shared numbers needs 4096 bytes"), "{error}");
        use_arena(None);
        assert_eq!((Atomic::new(1).unwrap().get(), arena.used()), (1, 4096));
    }

    #[test]
    fn many_numbers_do_not_overlap() {
        let numbers: Vec<_> = (0..2000).map(|n| AtomicLong::new(n).unwrap()).collect();
        assert!(numbers.iter().zip(0..).all(|(number, n)| number.get() == n));
    }

    #[test]
    fn as_many_waiters_are_woken_as_were_asked_for() {
        let (gate, waiting) = (Atomic::new(0).unwrap(), AtomicLong::new(0).unwrap());
        let children: Vec<_> = (0..3)
            .map(|_| match process::fork().unwrap() {
                Fork::Child => {
                    waiting.add(1);
                    process::exit_now(i32::from(!gate.wait(Some(Duration::from_secs(20)))))
                }
                Fork::Parent(pid) => pid,
            })
            .collect();
        while waiting.get() < 3 {
            std::thread::sleep(Duration::from_millis(1));
        }
        std::thread::sleep(Duration::from_millis(100));
        gate.wake(3);
        for pid in children {
            loop {
                if let Some(ended) = process::try_wait(pid) {
                    assert_eq!(ended.status, 0, "a waiter timed out");
                    break;
                }
                std::thread::sleep(Duration::from_millis(1));
            }
        }
        assert_eq!(gate.get(), 0);
    }

    #[test]
    fn a_waiter_is_woken_or_times_out() {
        let number = Atomic::new(0).unwrap();
        assert!(!number.wait(Some(Duration::from_millis(20))));
        number.wake(1);
        assert!(number.get() == 1 && number.wait(None) && number.get() == 0);
        let Fork::Parent(pid) = process::fork().unwrap() else {
            process::exit_now(i32::from(!number.wait(Some(Duration::from_secs(5)))))
        };
        std::thread::sleep(Duration::from_millis(20));
        number.wake(1);
        process::wait_for(pid).unwrap();
        assert_eq!(number.get(), 0);
        number.set(2);
        assert!(!number.wait(None));
    }
}
