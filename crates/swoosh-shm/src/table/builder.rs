//! Builds a table: columns, size, growth, expiry and eviction.

use super::schema::{Column, ColumnKind, Schema};
use super::shared_table::Table;
use super::storage::{Shape, Storage};
use swoosh_os::Result;
use swoosh_os::arena::Arena;

/// The columns and options of a table that is not built yet; see [`Table::builder`].
///
/// ```
/// use swoosh_shm::table::{ColumnKind, Table};
///
/// let mut columns = Table::builder(1000);
/// columns.column("name", ColumnKind::Text(32));
/// columns.budget(1 << 20).expires();
/// let table = columns.build()?;
/// assert_eq!(table.size(), 1024);
/// # Ok::<(), swoosh_os::Error>(())
/// ```
#[derive(Debug)]
pub struct TableBuilder {
    rows: u32,
    extra: f64,
    schema: Schema,
    grow_to: u32,
    expires: bool,
    evicts: bool,
    budget: Option<usize>,
    arena: Option<Arena>,
}

impl TableBuilder {
    fn new(rows: u32) -> Self {
        TableBuilder {
            rows: rows.clamp(MIN_ROWS, MAX_ROWS).next_power_of_two(),
            extra: DEFAULT_EXTRA,
            schema: Schema::default(),
            grow_to: 0,
            expires: false,
            evicts: false,
            budget: None,
            arena: None,
        }
    }

    /// Adds a column. If the name exists already, that column is returned unchanged.
    pub fn column(&mut self, name: impl AsRef<[u8]>, kind: ColumnKind) -> Column {
        self.schema.add(name.as_ref(), kind)
    }

    /// Rows beyond the size that the table can hold, as a share of the size: 0 to 1, by default 0.2.
    pub fn extra(&mut self, share: f64) -> &mut Self {
        self.extra = if share.is_finite() { share.clamp(0.0, 1.0) } else { DEFAULT_EXTRA };
        self
    }

    /// Lets the table double its rows each time they are used up, to at most `rows`. The address space is reserved at
    /// once; memory is used as rows are.
    pub fn grow_to(&mut self, rows: u32) -> &mut Self {
        self.grow_to = rows.min(MAX_ROWS);
        self
    }

    /// Lets rows expire, see [`Table::set_for`]. It costs 16 bytes per row.
    pub fn expires(&mut self) -> &mut Self {
        self.expires = true;
        self
    }

    /// Lets a full table replace a row that was not used recently instead of refusing a new one.
    pub fn evicts(&mut self) -> &mut Self {
        self.evicts = true;
        self
    }

    /// Limits the memory of the rows to `bytes` and evicts like [`evicts`](TableBuilder::evicts) beyond that. Each row
    /// takes [`Table::row_bytes`], whatever it holds.
    pub fn budget(&mut self, bytes: usize) -> &mut Self {
        self.budget = Some(bytes);
        self.evicts()
    }

    /// Allocates the table's memory in an arena.
    pub fn arena(&mut self, arena: &Arena) -> &mut Self {
        self.arena = Some(arena.clone());
        self
    }

    /// The columns added so far.
    pub fn schema(&self) -> &Schema {
        &self.schema
    }

    /// The rows requested, rounded up to a power of two.
    pub fn size(&self) -> u32 {
        self.rows
    }

    /// Maps the table's memory; a page uses memory once it is touched. To be called before the processes that share the
    /// table are forked.
    ///
    /// # Errors
    /// If the kernel or the arena has no memory. The error names the number of rows and their size.
    pub fn build(self) -> Result<Table> {
        let extra = (f64::from(self.rows) * self.extra) as u32;
        let shape = Shape {
            buckets: self.rows.max(self.grow_to).next_power_of_two(),
            initial_rows: self.rows + extra,
            max_rows: self.grow_to,
            numbers: self.schema.numbers(),
            texts: self.schema.texts(),
            expires: self.expires,
            evicts: self.evicts,
            budget: self.budget,
            arena: self.arena,
        };
        let storage = Storage::new(&shape, |rows, bytes| format!("a table of {rows} rows of {bytes} bytes"))?;
        Ok(Table::new(self.rows, self.schema, storage))
    }
}

impl Table {
    /// Starts building a table for `rows` rows, rounded up to a power of two (64 at least, 2^30 at most).
    pub fn builder(rows: u32) -> TableBuilder {
        TableBuilder::new(rows)
    }
}

const MIN_ROWS: u32 = 64;
const MAX_ROWS: u32 = 1 << 30;
const DEFAULT_EXTRA: f64 = 0.2;
