//! The arena that tables, locks and atomics are allocated from, after `Swoole\Table::reserve` was called.

use crate::runtime::last_error;
use std::cell::RefCell;
use swoosh::shm::atomic;
use swoosh::sys::arena::Arena;
use swoosh_zend::error::warning;
use swoosh_zend::{Array, Call, OrFalse, PhpResult};

thread_local! {
    /// Arena of tables, locks and atomics created from now on.
    static ARENA: RefCell<Option<Arena>> = const { RefCell::new(None) };
}

/// Reserves an arena for the tables, locks and atomics created from now on.
pub fn reserve(call: &mut Call<'_>) -> PhpResult<bool> {
    let bytes = call.int(0)?;
    let arena = match usize::try_from(bytes).ok().filter(|bytes| *bytes > 0) {
        Some(bytes) => Arena::reserve(bytes),
        None => {
            last_error::warn_misuse(&format!("the arena size must be positive, not {bytes}"));
            return Ok(false);
        }
    };
    match arena {
        Ok(arena) => {
            atomic::use_arena(Some(&arena));
            ARENA.set(Some(arena));
            Ok(true)
        }
        Err(error) => {
            let error = swoosh::Error::from(error);
            last_error::set(error.code());
            warning(&error.to_string());
            Ok(false)
        }
    }
}

/// Size, usage and allocations of the arena.
pub fn reserved(_: &mut Call<'_>) -> PhpResult<OrFalse<Array>> {
    Ok(OrFalse(arena().map(|arena| {
        let mut all = Array::new();
        all.insert("size", arena.bytes());
        all.insert("used", arena.used());
        let pieces: Array = arena
            .allocations()
            .into_iter()
            .map(|piece| {
                let mut shown = Array::new();
                shown.insert("purpose", piece.purpose.as_str());
                shown.insert("size", piece.bytes);
                shown
            })
            .collect();
        all.insert("pieces", pieces);
        all
    })))
}

/// The current arena.
pub fn arena() -> Option<Arena> {
    ARENA.with_borrow(Clone::clone)
}

/// At the end of the PHP request: later objects get their own mappings again.
pub fn request_end() {
    atomic::use_arena(None);
    ARENA.set(None);
}
