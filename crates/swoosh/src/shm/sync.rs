//! What the proven algorithms of this room are made of. `tests/prove.rs` compiles the same files with loom's in its place,
//! and tries every order in which threads may see one another's steps.

pub use std::sync::atomic::Ordering;
pub use std::sync::atomic::{AtomicU64, fence};
