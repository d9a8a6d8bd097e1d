//! Numbers that a process shares with those it forks, and waiting for one of them.
//!
//! The rule it protects: a word is given to one number only, for as long as any process can see it. Words are counted
//! in the page that they lie in, so that parent and child, who both have it, never take the same one; a page leaves a
//! process with the last number in it.

use super::Shareable;
use std::cell::RefCell;
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use std::sync::atomic::{AtomicI64, AtomicU32, AtomicU64};
use std::time::{Duration, Instant};
use swoosh_os::Result;
use swoosh_os::arena::Arena;
use swoosh_os::futex;
use swoosh_os::memory::Mapping;

/// A number that all processes see: what both widths can do.
macro_rules! number {
    ($(#[$doc:meta])* $name:ident, $value:ty, $view:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone)]
        pub struct $name(Word);

        impl $name {
            /// A number of its own. Fails where the kernel has no memory.
            pub fn new(value: $value) -> Result<Self> {
                let number = $name(Word::new()?);
                number.set(value);
                Ok(number)
            }

            /// What it is.
            #[inline]
            pub fn get(&self) -> $value {
                self.0.$view().load(SeqCst)
            }

            /// Makes it `value`.
            #[inline]
            pub fn set(&self, value: $value) {
                self.0.$view().store(value, SeqCst);
            }

            /// Adds, and gives the sum.
            #[inline]
            pub fn add(&self, value: $value) -> $value {
                self.0.$view().fetch_add(value, SeqCst).wrapping_add(value)
            }

            /// Subtracts, and gives the difference.
            #[inline]
            pub fn sub(&self, value: $value) -> $value {
                self.0.$view().fetch_sub(value, SeqCst).wrapping_sub(value)
            }

            /// Makes it `new` if it is `old`; true if it was.
            #[inline]
            pub fn compare_and_set(&self, old: $value, new: $value) -> bool {
                self.0.$view().compare_exchange(old, new, SeqCst, SeqCst).is_ok()
            }
        }
    };
}

number! {
    /// A number of 32 bits, which wraps around. Copies of the value, and the copies of forked processes, are the same number.
    Atomic, u32, short
}
number! {
    /// A number of 64 bits with a sign, which wraps around; otherwise as [`Atomic`].
    AtomicLong, i64, long
}

impl Atomic {
    /// Waits until it is 1 and makes it 0; true if that came to pass within `limit` (`None`: no limit). A number that is
    /// neither 0 nor 1 is not waited for.
    pub fn wait(&self, limit: Option<Duration>) -> bool {
        let end = limit.and_then(|limit| Instant::now().checked_add(limit));
        loop {
            if self.compare_and_set(1, 0) {
                return true;
            }
            let left = end.map(|end| end.saturating_duration_since(Instant::now()));
            if !futex::wait(self.0.short(), 0, left) || self.get() > 1 {
                return false;
            }
        }
    }

    /// Makes a 0 a 1, and wakes up to `count` of those who [wait](Atomic::wait) for that, of whom one gets it.
    pub fn wake(&self, count: u32) {
        if self.compare_and_set(0, 1) {
            futex::wake(self.0.short(), count);
        }
    }
}

/// A place of 64 bits, 0 at first.
#[derive(Debug, Clone)]
struct Word {
    /// Holds the place in memory.
    _page: Arc<Mapping>,
    at: NonNull<AtomicI64>,
}
// SAFETY: the place is an atomic, and lives as long as the page that is held beside it.
unsafe impl Send for Word {}
// SAFETY: as above.
unsafe impl Sync for Word {}

/// A page: how many of its words are given away, and the words.
#[repr(C)]
struct Words {
    used: AtomicU64,
    words: [AtomicI64; WORDS],
}
// SAFETY: atomics only; zero is a page of which no word is given away.
unsafe impl Shareable for Words {}

thread_local! {
    /// The page that words are taken from.
    static CURRENT: RefCell<Option<Arc<Mapping>>> = const { RefCell::new(None) };
    /// Where pages come from, if not from the kernel.
    static ARENA: RefCell<Option<Arena>> = const { RefCell::new(None) };
}

/// Numbers that this thread makes from now on lie in memory of that arena, a page for each 511 of them; `None`: in the
/// kernel's.
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
        // SAFETY: a word of the page, which lives as long as `self` holds it.
        unsafe { self.at.as_ref() }
    }

    /// Its first 32 bits. A word is used by one of the two views only.
    #[inline]
    fn short(&self) -> &AtomicU32 {
        // SAFETY: the same place, aligned to eight bytes.
        unsafe { &*std::ptr::from_ref(self.long()).cast::<AtomicU32>() }
    }
}

#[inline]
fn words(page: &Mapping) -> &Words {
    // SAFETY: the mapping has the size of a `Words`, is page-aligned, and was zeroed, which is valid for it; it lives as
    // long as the borrow.
    unsafe { page.start().cast::<Words>().as_ref() }
}

const PURPOSE: &str = "shared numbers";
/// Words on a page of 4 KiB, besides the count.
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
    fn a_number_is_the_same_in_parent_and_child() {
        let (short, long) = (Atomic::new(u32::MAX).unwrap(), AtomicLong::new(i64::MAX).unwrap());
        assert!(in_child(|| short.add(2) == 1 && long.add(1) == i64::MIN && short.sub(2) == u32::MAX));
        assert_eq!((short.get(), long.get()), (u32::MAX, i64::MIN));
        assert!(long.compare_and_set(i64::MIN, 5) && !long.compare_and_set(6, 7) && long.sub(6) == -1);
    }

    #[test]
    fn numbers_made_after_a_fork_on_both_sides_are_two() {
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
    fn numbers_of_an_arena_share_its_pages() {
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
    fn many_numbers_are_many() {
        let numbers: Vec<_> = (0..2000).map(|n| AtomicLong::new(n).unwrap()).collect();
        assert!(numbers.iter().zip(0..).all(|(number, n)| number.get() == n));
    }

    #[test]
    fn a_waiter_is_woken_or_gives_up() {
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
