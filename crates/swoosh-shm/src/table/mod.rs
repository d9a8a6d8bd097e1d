//! A hash table of rows with typed columns that many processes read and write at once.
//!
//! A reader sees a row as it was at one moment and takes no lock. A writer that is killed leaves the row either
//! unchanged or completely changed; `storage/mod.rs` explains how. A full table refuses new rows; it removes rows by itself
//! only if it was built to ([`TableBuilder::budget`], [`TableBuilder::expires`]).

mod builder;
mod kill_point;
mod schema;
mod shared_table;
mod storage;
#[cfg(test)]
mod tests;
mod types;

pub use builder::TableBuilder;
pub use schema::{Column, ColumnKind, MAX_KEY_BYTES, Row, Schema, Value};
pub use shared_table::{Iter, Table};
pub use types::{Stats, TableError, WriteIf};
