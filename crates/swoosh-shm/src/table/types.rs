//! Why a table refuses an operation, and the conditions of a write.

use super::schema::MAX_KEY_BYTES;
use swoosh_os::Error;

/// Why a table refuses an operation. The table is unchanged.
///
/// ```
/// use swoosh_shm::table::{Table, TableError};
///
/// let table = Table::builder(64).build()?;
/// assert_eq!(table.set(b"", &[]), Err(TableError::KeyLength { length: 0 }));
/// # Ok::<(), swoosh_os::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TableError {
    /// There is no space for another row.
    #[error("the table is full: all its {rows} rows are taken")]
    Full {
        /// The rows that the table can hold.
        rows: u32,
    },
    /// The table was built without [`expires`](super::TableBuilder::expires).
    #[error("rows of this table have no end: make it with expiry")]
    NoExpiry,
    /// The key is empty or longer than [`MAX_KEY_BYTES`].
    #[error("a key has 1 to {MAX_KEY_BYTES} bytes, this one has {length}")]
    KeyLength {
        /// The key's bytes.
        length: usize,
    },
    /// The column does not exist, has another type or is too short for the bytes; or the operation adds to a column
    /// that is not a number.
    #[error("column {column} does not take this value")]
    ValueType {
        /// The column's index.
        column: usize,
    },
}

impl From<TableError> for Error {
    fn from(error: TableError) -> Self {
        Error::State { operation: "write to a shared table", reason: error.to_string() }
    }
}

/// The rows that [`Table::write`](super::Table::write) writes.
///
/// ```
/// use swoosh_shm::table::{Table, WriteIf};
///
/// let table = Table::builder(64).build()?;
/// assert_eq!(table.write(b"key", WriteIf::Absent, &[], &[]), Ok(true));
/// assert_eq!(table.write(b"key", WriteIf::Absent, &[], &[]), Ok(false));
/// # Ok::<(), swoosh_os::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WriteIf {
    /// Any row; an absent one is inserted.
    Always,
    /// Only an absent row.
    Absent,
    /// Only an existing row.
    Present,
}

/// Counters of a table.
///
/// ```
/// use swoosh_shm::table::Table;
///
/// let table = Table::builder(100).build()?;
/// let stats = table.stats();
/// assert_eq!((stats.rows, stats.capacity, stats.extra), (0, 153, 25));
/// # Ok::<(), swoosh_os::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stats {
    /// Rows in the table.
    pub rows: u64,
    /// Rows that the table can hold when it has grown to its limit.
    pub capacity: u64,
    /// Rows that the table can hold before it grows again.
    pub room: u64,
    /// Rows beyond the size it was built for.
    pub extra: u64,
    /// Rows inserted since it was built.
    pub inserted: u64,
    /// Changes of existing rows.
    pub updated: u64,
    /// Rows removed for any reason.
    pub removed: u64,
    /// Rows removed to make room for others.
    pub evicted: u64,
    /// Rows removed after they expired.
    pub expired: u64,
    /// Rows that are not the first of their chain.
    pub conflicts: u64,
    /// The largest number of those in one chain.
    pub longest: u64,
}
