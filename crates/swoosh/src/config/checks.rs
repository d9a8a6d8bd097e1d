//! Checks that are more than a range, shared by setters and by the validation of fields.

use super::kind::{Kind, refusal};
use super::value::Value;
use crate::error::Result;
use crate::sys::affinity;

/// The length of `package_eof`.
pub(super) const EOF: Kind = Kind::Bytes { min: 1, max: 8 };

/// Checks the length of a packet delimiter.
pub(super) fn check_eof(eof: &[u8]) -> Result<()> {
    if (1..=8).contains(&eof.len()) {
        return Ok(());
    }
    Err(refusal("package_eof", Value::Str(eof.to_vec()), EOF.expected()))
}

/// Checks that a core is left to run on.
pub(super) fn check_ignored_cores(ignored: &[u32]) -> Result<()> {
    if ignored.is_empty() || affinity::cores()?.iter().any(|core| !ignored.contains(core)) {
        return Ok(());
    }
    let value = Value::List(ignored.iter().map(|&core| Value::Int(core.into())).collect());
    Err(refusal("cpu_affinity_ignore", value, "core numbers that leave at least one core to run on"))
}
