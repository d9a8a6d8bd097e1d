//! Good and bad requests, each with the section of the RFC that decides.

mod accepted;
mod rejected;

pub(crate) use accepted::{GOOD, UNFINISHED};
pub(crate) use rejected::BAD;
