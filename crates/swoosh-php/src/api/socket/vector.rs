//! The arguments of `readVector`, `writeVector` and their variants.

use super::data::{EXCEPTION, fail};
use swoosh_zend::error::throw;
use swoosh_zend::{Call, PhpResult, Raised, Zval};

/// The lengths of the parts to read; `None`, with the error code set, if there are none or too many.
pub(super) fn lengths(call: &Call<'_>) -> PhpResult<Option<Vec<usize>>> {
    let mut lengths = Vec::new();
    let mut total = 0usize;
    for (n, (_, item)) in call.array(0)?.iter().enumerate() {
        let length = item.int().ok_or_else(|| wrong_type(n, "int", item))?;
        let Some(length) = usize::try_from(length).ok().filter(|length| *length > 0) else {
            return Err(refused(&format!("Item #[{n}] must be greater than 0")));
        };
        total = total.saturating_add(length);
        lengths.push(length);
    }
    if lengths.is_empty() || lengths.len() > MAX_PARTS || total > MAX_BYTES {
        fail(call, libc::EINVAL);
        return Ok(None);
    }
    Ok(Some(lengths))
}

/// The parts to write, as one string; `None`, with the error code set, if there are too many.
pub(super) fn contents(call: &Call<'_>) -> PhpResult<Option<Vec<u8>>> {
    let mut all = Vec::new();
    for (n, (_, item)) in call.array(0)?.iter().enumerate() {
        all.extend_from_slice(item.bytes().ok_or_else(|| wrong_type(n, "string", item))?);
        if n >= MAX_PARTS {
            fail(call, libc::EINVAL);
            return Ok(None);
        }
    }
    Ok(Some(all))
}

fn wrong_type(n: usize, expected: &str, item: &Zval) -> Raised {
    refused(&format!("Item #[{n}] must be of type {expected}, {} given", item.type_name()))
}

fn refused(why: &str) -> Raised {
    throw(EXCEPTION.get(), why, libc::EINVAL.into())
}

/// IOV_MAX: the kernel refuses more (readv(2)).
const MAX_PARTS: usize = 1024;
const MAX_BYTES: usize = i32::MAX as usize;
