//! The arena that tables, locks and numbers take their memory from, once `Swoole\Table::reserve` was called.

use crate::runtime::last_error;
use std::cell::RefCell;
use swoosh::shm::atomic;
use swoosh::sys::arena::Arena;
use swoosh_zend::error::warning;
use swoosh_zend::{Array, Call, OrFalse, PhpResult};

thread_local! {
    /// Where tables, locks and numbers that are made from now on take their memory.
    static ARENA: RefCell<Option<Arena>> = const { RefCell::new(None) };
}

/// Reserves memory, of which every table, lock and number that is made from now on takes its own.
pub fn reserve(call: &mut Call<'_>) -> PhpResult<bool> {
    let bytes = call.int(0)?;
    let arena = match usize::try_from(bytes).ok().filter(|bytes| *bytes > 0) {
        Some(bytes) => Arena::reserve(bytes),
        None => {
            last_error::warn_misuse(&format!("an arena of {bytes} bytes cannot be"));
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

/// What was reserved, how much of it is used, and by what.
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

/// What was reserved.
pub fn arena() -> Option<Arena> {
    ARENA.with_borrow(Clone::clone)
}

/// The request ends: what the next one shares is in the kernel's memory again.
pub fn request_end() {
    atomic::use_arena(None);
    ARENA.set(None);
}
