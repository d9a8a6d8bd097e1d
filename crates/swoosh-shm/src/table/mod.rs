//! A table of rows that many processes read and write at once.
//!
//! ```
//! use swoosh_shm::table::{ColumnKind, Table, Value};
//!
//! # fn main() -> swoosh_os::Result<()> {
//! let mut columns = Table::builder(1024);
//! let hits = columns.column("hits", ColumnKind::Int);
//! let page = columns.column("page", ColumnKind::Text(64));
//! let table = columns.build()?; // before the processes that share it are forked
//!
//! table.set(b"10.0.0.1", &[(page, Value::Text(b"/index")), (hits, Value::Int(1))])?;
//! table.add_to(b"10.0.0.1", hits, Value::Int(1))?;
//! assert_eq!(table.int(b"10.0.0.1", hits), Some(2));
//! # Ok(())
//! # }
//! ```
//!
//! A reader sees a row as it was at one moment, and takes no lock; a writer that is killed in the middle leaves the row
//! old or new. [`storage`] says how. A table that is full refuses new rows and says so; it drops none, unless it was made
//! to ([`TableBuilder::budget`], [`TableBuilder::expires`]).

mod schema;
mod storage;
#[cfg(test)]
mod tests;

pub use schema::{Column, ColumnKind, MAX_KEY_BYTES, Row, Schema, Value};

use schema::Cells;
use std::sync::Arc;
use std::time::Duration;
use storage::{Chain, Key, NoRoom, Reach, Shape, Storage};
use swoosh_os::arena::Arena;
use swoosh_os::clock;
use swoosh_os::{Error, Result};

/// A table in shared memory. Copies of the value, and the copies of forked processes, are the same table; its memory
/// leaves a process with the last of them.
#[derive(Debug, Clone)]
pub struct Table {
    /// The rows it was made for.
    rows: u32,
    schema: Arc<Schema>,
    storage: Arc<Storage>,
}

/// A table in the making.
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

/// Why a table does not do what it was asked for. Nothing was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TableError {
    /// There is no room for one more row.
    #[error("the table is full: all its {rows} rows are taken")]
    Full {
        /// As many as it holds.
        rows: u32,
    },
    /// Its rows have no end.
    #[error("rows of this table have no end: make it with expiry")]
    NoExpiry,
    /// The key has no byte or more than [`MAX_KEY_BYTES`].
    #[error("a key has 1 to 63 bytes, this one has {length}")]
    KeyLength {
        /// Its bytes.
        length: usize,
    },
    /// The column does not exist, holds another kind of value, or fewer bytes; numbers are added to numbers only.
    #[error("column {column} does not take this value")]
    ValueType {
        /// Its place among the columns.
        column: usize,
    },
}

impl From<TableError> for Error {
    fn from(refused: TableError) -> Self {
        Error::State { operation: "write to a shared table", reason: refused.to_string() }
    }
}

/// What [`Table::write`] asks before it writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WriteIf {
    /// Nothing: a row that is not there is added.
    Always,
    /// There must be no such row.
    Absent,
    /// There must be such a row.
    Present,
}

/// What a table has done and has left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stats {
    /// Rows it holds.
    pub rows: u64,
    /// Rows it can hold, grown as far as it may.
    pub capacity: u64,
    /// Rows it has room for before it grows again.
    pub room: u64,
    /// Rows it can hold beyond the size it was made for, for keys that fall into one chain.
    pub extra: u64,
    /// Rows added since it was made.
    pub inserted: u64,
    /// Changes of rows that were there.
    pub updated: u64,
    /// Rows removed, whatever the reason.
    pub removed: u64,
    /// Those of them that made room for others.
    pub evicted: u64,
    /// Those of them that were found past their end.
    pub expired: u64,
    /// Rows that share a chain with one before them.
    pub conflicts: u64,
    /// The most of them in one chain.
    pub longest: u64,
}

impl TableBuilder {
    /// Adds a column. One whose name is there already stays as it is, and is what this gives.
    pub fn column(&mut self, name: impl AsRef<[u8]>, kind: ColumnKind) -> Column {
        self.schema.add(name.as_ref(), kind)
    }

    /// The share of rows beyond its size that the table has room for: 0 to 1, at first 0.2.
    pub fn extra(&mut self, share: f64) -> &mut Self {
        self.extra = if share.is_finite() { share.clamp(0.0, 1.0) } else { EXTRA };
        self
    }

    /// WriteIf its first rows are used up it grows, to so many at most: each time to twice as many. The addresses are
    /// reserved from the beginning; memory is used as rows are.
    pub fn grow_to(&mut self, rows: u32) -> &mut Self {
        self.grow_to = rows.min(MOST);
        self
    }

    /// Rows may have an end, see [`Table::set_for`]. Costs eight bytes twice in each row.
    pub fn expires(&mut self) -> &mut Self {
        self.expires = true;
        self
    }

    /// A full table does not refuse a new row: one that was not read or written for long makes room for it.
    pub fn evicts(&mut self) -> &mut Self {
        self.evicts = true;
        self
    }

    /// Its rows take so many bytes at most; then as with [`evicts`](TableBuilder::evicts). A row takes what
    /// [`Table::row_bytes`] says, whatever it holds.
    pub fn budget(&mut self, bytes: usize) -> &mut Self {
        self.budget = Some(bytes);
        self.evicts()
    }

    /// Its memory comes from an arena.
    pub fn arena(&mut self, arena: &Arena) -> &mut Self {
        self.arena = Some(arena.clone());
        self
    }

    /// The columns so far.
    pub fn schema(&self) -> &Schema {
        &self.schema
    }

    /// The rows it is made for: those asked for, as the next power of two.
    pub fn size(&self) -> u32 {
        self.rows
    }

    /// Maps its memory, which costs a page when it is first touched. To be called before the processes that share the
    /// table are forked.
    ///
    /// Fails where the kernel has no room; the error says for how many rows of how many bytes.
    pub fn build(self) -> Result<Table> {
        let extra = (f64::from(self.rows) * self.extra) as u32;
        let shape = Shape {
            buckets: self.rows.max(self.grow_to).next_power_of_two(),
            first: self.rows + extra,
            most: self.grow_to,
            numbers: self.schema.numbers(),
            texts: self.schema.texts(),
            expires: self.expires,
            evicts: self.evicts,
            budget: self.budget,
            arena: self.arena,
        };
        let storage = Storage::new(&shape, |rows, bytes| format!("a table of {rows} rows of {bytes} bytes"))?;
        Ok(Table { rows: self.rows, schema: Arc::new(self.schema), storage: Arc::new(storage) })
    }
}

impl Table {
    /// A table for `rows` rows, rounded up to a power of two (64 at least, 2^30 at most).
    pub fn builder(rows: u32) -> TableBuilder {
        TableBuilder {
            rows: rows.clamp(LEAST, MOST).next_power_of_two(),
            extra: EXTRA,
            schema: Schema::default(),
            grow_to: 0,
            expires: false,
            evicts: false,
            budget: None,
            arena: None,
        }
    }

    /// Its columns.
    pub fn schema(&self) -> &Schema {
        &self.schema
    }

    /// The column of that name.
    pub fn column(&self, name: &str) -> Option<Column> {
        self.schema.find(name.as_bytes())
    }

    /// An empty row to [`read`](Table::read) into.
    pub fn row(&self) -> Row {
        Row::new(&self.schema)
    }

    /// Copies the row of that key into `row`; false, and `row` means nothing, where there is none.
    #[inline]
    pub fn read(&self, key: &[u8], row: &mut Row) -> bool {
        self.key(key).is_ok_and(|key| self.read_ready(&key, row))
    }

    #[inline]
    fn read_ready(&self, ready: &Key, row: &mut Row) -> bool {
        row.cells.resize(self.schema.words(), 0);
        let cells = &mut row.cells;
        let found = self.storage.look(ready, Reach::All, |from| self.schema.load(from, cells)).is_some();
        if found {
            ready.copy_to(row);
        }
        found
    }

    /// Gives one value of the row of that key to `take`; no lock is held while that runs. `None` where there is no such
    /// row or column.
    #[inline]
    pub fn field<R>(&self, key: &[u8], column: Column, take: impl FnOnce(Value<'_>) -> R) -> Option<R> {
        let key = self.key(key).ok()?;
        let mut small = [0; SMALL];
        let mut large = Vec::new();
        let need = self.schema.field_words(column);
        let words = if need <= SMALL {
            &mut small[..need]
        } else {
            large.resize(need, 0);
            &mut large[..]
        };
        self.storage.look(&key, self.reach(column), |cells| self.schema.load_field(cells, column, words))?;
        self.schema.value(column, words).map(take)
    }

    /// What of a row is asked for where one column is wanted.
    fn reach(&self, column: Column) -> Reach {
        if let Some(ColumnKind::Text(_)) = self.schema.kind(column) { Reach::All } else { Reach::Numbers }
    }

    /// The integer in that column of that row.
    #[inline]
    pub fn int(&self, key: &[u8], column: Column) -> Option<i64> {
        self.field(key, column, |value| value.int())?
    }

    /// The float in that column of that row.
    #[inline]
    pub fn float(&self, key: &[u8], column: Column) -> Option<f64> {
        self.field(key, column, |value| value.float())?
    }

    /// The bytes in that column of that row.
    pub fn text(&self, key: &[u8], column: Column) -> Option<Vec<u8>> {
        self.field(key, column, |value| value.bytes().map(<[u8]>::to_vec))?
    }

    /// Whether there is a row of that key.
    #[inline]
    pub fn contains(&self, key: &[u8]) -> bool {
        self.key(key).is_ok_and(|key| self.storage.look(&key, Reach::Numbers, |_| ()).is_some())
    }

    /// Gives the row of that key these values; columns that are not named keep theirs, or begin with 0 and no bytes.
    #[inline]
    pub fn set(&self, key: &[u8], values: &[(Column, Value<'_>)]) -> Result<(), TableError> {
        self.write(key, WriteIf::Always, &[], values).map(drop)
    }

    /// As [`set`](Table::set), if the row is (or is not) there as `when` wants, and if it holds what is `expected`: a row
    /// that is not there holds nothing, so anything expected of it is missed. False where it was not written.
    pub fn write(
        &self,
        key: &[u8],
        when: WriteIf,
        expected: &[(Column, Value<'_>)],
        values: &[(Column, Value<'_>)],
    ) -> Result<bool, TableError> {
        self.write_until(key, when, expected, values, None)
    }

    /// As [`set`](Table::set); and from `time` on the row is not there any more: nobody finds it, and its place is used
    /// again. A row that is set without a time keeps the end it has.
    ///
    /// Fails also where the table was not made for that ([`TableBuilder::expires`]).
    pub fn set_for(&self, key: &[u8], values: &[(Column, Value<'_>)], time: Duration) -> Result<(), TableError> {
        let end = Some(self.end_in(time)?);
        self.write_until(key, WriteIf::Always, &[], values, end).map(drop)
    }

    /// Gives a row another end, or none; false where there is no such row. Fails as [`set_for`](Table::set_for) does.
    pub fn expire(&self, key: &[u8], time: Option<Duration>) -> Result<bool, TableError> {
        let end = time.map_or(Ok(0), |time| self.end_in(time))?;
        self.write_until(key, WriteIf::Present, &[], &[], Some(end))
    }

    /// Removes the rows that are past their end, which otherwise go when their place is needed; how many.
    pub fn purge(&self) -> u64 {
        self.storage.purge()
    }

    fn end_in(&self, time: Duration) -> Result<u64, TableError> {
        self.storage.deadline().ok_or(TableError::NoExpiry)?;
        Ok(clock::monotonic_ms().saturating_add(time.as_millis().min(1 << 60) as u64).max(1))
    }

    /// Has room made for a new row as often as it takes.
    fn with_room<R>(
        &self,
        key: &Key,
        reach: Reach,
        act: impl Fn(&Chain<'_>) -> Result<R, TableError>,
    ) -> Result<R, TableError> {
        for _ in 0..TRIES {
            // No lock is held any more when room is made: the row that goes may be of any stripe.
            let done = act(&self.storage.lock(key, reach));
            match done {
                Err(TableError::Full { .. }) if self.storage.make_room() => {}
                done => return done,
            }
        }
        Err(TableError::Full { rows: self.capacity() })
    }

    fn write_until(
        &self,
        key: &[u8],
        when: WriteIf,
        expected: &[(Column, Value<'_>)],
        values: &[(Column, Value<'_>)],
        end: Option<u64>,
    ) -> Result<bool, TableError> {
        let key = self.key(key)?;
        if let Some((column, _)) = values.iter().find(|(column, value)| !self.schema.takes(*column, *value)) {
            return Err(TableError::ValueType { column: column.0 });
        }
        self.with_room(&key, Reach::All, |chain| match chain.find(&key) {
            Some(_) if when == WriteIf::Absent => Ok(false),
            Some(row) if !self.holds(chain, row, expected) => Ok(false),
            Some(row) => {
                match (values, end) {
                    ([(column, Value::Int(value))], None) => self.store(chain, row, *column, *value as u64),
                    ([(column, Value::Float(value))], None) => self.store(chain, row, *column, value.to_bits()),
                    _ => chain.replace(row, |cells| self.fill(cells, values, end)),
                }
                Ok(true)
            }
            None if when == WriteIf::Present || !expected.is_empty() => Ok(false),
            None => self.insert(chain, &key, values, end).map(|()| true),
        })
    }

    /// As [`set`](Table::set), row after row; how many were set before one was refused, and why it was.
    pub fn set_many<'a>(
        &self,
        rows: impl IntoIterator<Item = (&'a [u8], &'a [(Column, Value<'a>)])>,
    ) -> (usize, Option<TableError>) {
        let mut set = 0;
        for (key, values) in rows {
            match self.set(key, values) {
                Ok(()) => set += 1,
                Err(refused) => return (set, Some(refused)),
            }
        }
        (set, None)
    }

    /// Gives the row of each key to `take`, in their order, with its place among the keys; `None` where there is none.
    /// The memory of those that follow is asked for meanwhile, so that many are read faster than one by one.
    pub fn read_many(&self, keys: &[&[u8]], mut take: impl FnMut(usize, Option<&Row>)) {
        let mut row = self.row();
        let mut ready = Vec::with_capacity(BATCH);
        for (batch, keys) in keys.chunks(BATCH).enumerate() {
            ready.clear();
            ready.extend(keys.iter().map(|key| self.key(key).ok().inspect(|key| self.storage.expect(key))));
            ready.iter().flatten().for_each(|key| self.storage.expect_row(key, Reach::All));
            for (n, key) in ready.iter().enumerate() {
                let found = key.as_ref().is_some_and(|key| self.read_ready(key, &mut row));
                take(batch * BATCH + n, found.then_some(&row));
            }
        }
    }

    /// Adds to a number; a row that is not there is added with 0 first. Gives the sum; integers wrap around.
    #[inline]
    pub fn add_to(&self, key: &[u8], column: Column, value: Value<'_>) -> Result<Value<'static>, TableError> {
        let key = self.key(key)?;
        let refused = TableError::ValueType { column: column.0 };
        let number = self.schema.number_at(column).ok_or(refused)?;
        if !self.schema.takes(column, value) {
            return Err(refused);
        }
        self.with_room(&key, Reach::Numbers, |chain| {
            let row = chain.find(&key);
            let old = row.map_or(0, |row| chain.cells(row).number(number).load(std::sync::atomic::Ordering::Relaxed));
            let (sum, bits) = match value {
                Value::Int(by) => {
                    let sum = (old as i64).wrapping_add(by);
                    (Value::Int(sum), sum as u64)
                }
                Value::Float(by) => {
                    let sum = f64::from_bits(old) + by;
                    (Value::Float(sum), sum.to_bits())
                }
                Value::Text(_) => return Err(refused),
            };
            match row {
                Some(row) => chain.store(row, number, bits),
                None => self.insert(chain, &key, &[(column, sum)], None)?,
            }
            Ok(sum)
        })
    }

    /// Removes the row of that key; false where there is none.
    pub fn remove(&self, key: &[u8]) -> bool {
        self.remove_if(key, &[])
    }

    /// Removes the row of that key if it holds what is `expected`; false where it was not removed.
    pub fn remove_if(&self, key: &[u8], expected: &[(Column, Value<'_>)]) -> bool {
        let Ok(key) = self.key(key) else { return false };
        let chain = self.storage.lock(&key, Reach::All);
        let row = chain.find(&key).filter(|row| self.holds(&chain, *row, expected));
        row.map(|row| chain.remove(row)).is_some()
    }

    /// Removes the row of that key and gives it as it was at that moment; false where there is none.
    pub fn take(&self, key: &[u8], row: &mut Row) -> bool {
        let Ok(ready) = self.key(key) else { return false };
        let chain = self.storage.lock(&ready, Reach::All);
        let Some(at) = chain.find(&ready) else { return false };
        row.cells.resize(self.schema.words(), 0);
        self.schema.load(chain.cells(at), &mut row.cells);
        chain.remove(at);
        ready.copy_to(row);
        true
    }

    /// How many rows it holds.
    pub fn len(&self) -> u64 {
        self.storage.count()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many rows it can hold.
    pub fn capacity(&self) -> u32 {
        self.storage.capacity()
    }

    /// How many rows it was made for: those it can hold without the extra ones.
    pub fn size(&self) -> u32 {
        self.rows
    }

    /// The bytes that each row takes, with its key and what makes it safe.
    pub fn row_bytes(&self) -> usize {
        self.storage.row_bytes()
    }

    /// The bytes of its mapping. A page of it costs memory once a row in it is used.
    pub fn memory(&self) -> usize {
        self.storage.bytes()
    }

    /// What it has done and has left. Walks over all chains.
    pub fn stats(&self) -> Stats {
        let rows = self.len();
        let (updated, removed) = self.storage.changes();
        let (conflicts, longest) = self.storage.conflicts();
        let capacity = u64::from(self.capacity());
        let extra = capacity.saturating_sub(u64::from(self.rows));
        let (evicted, expired) = self.storage.dropped();
        let room = u64::from(self.storage.room());
        Stats {
            rows,
            capacity,
            room,
            extra,
            evicted,
            expired,
            inserted: rows + removed,
            updated,
            removed,
            conflicts,
            longest,
        }
    }

    /// The first row at place `from` or behind it, copied into `row`; gives the place after it. Others may write
    /// meanwhile: a row that is there from the first call to the last is met exactly once.
    pub fn next(&self, from: u32, row: &mut Row) -> Option<u32> {
        row.cells.resize(self.schema.words(), 0);
        self.storage.next(from, &self.schema, row).map(|at| at + 1)
    }

    /// Its rows, one copy after the other.
    pub fn iter(&self) -> Iter<'_> {
        Iter { table: self, from: 0 }
    }

    #[inline]
    fn key(&self, key: &[u8]) -> Result<Key, TableError> {
        if key.is_empty() || key.len() > MAX_KEY_BYTES {
            return Err(TableError::KeyLength { length: key.len() });
        }
        Ok(self.storage.key(key))
    }

    fn store(&self, chain: &Chain<'_>, row: u32, column: Column, bits: u64) {
        if let Some(word) = self.schema.number_at(column) {
            chain.store(row, word, bits);
        }
    }

    fn insert(
        &self,
        chain: &Chain<'_>,
        key: &Key,
        values: &[(Column, Value<'_>)],
        end: Option<u64>,
    ) -> Result<(), TableError> {
        chain
            .insert(key, |cells| self.fill(cells, values, end))
            .map_err(|NoRoom| TableError::Full { rows: self.capacity() })
    }

    fn fill(&self, cells: Cells<'_>, values: &[(Column, Value<'_>)], end: Option<u64>) {
        if let (Some(end), Some(at)) = (end, self.storage.deadline()) {
            cells.number(at).store(end, std::sync::atomic::Ordering::Relaxed);
        }
        for (column, value) in values {
            self.schema.store(cells, *column, *value);
        }
    }

    fn holds(&self, chain: &Chain<'_>, row: u32, expected: &[(Column, Value<'_>)]) -> bool {
        let cells = chain.cells(row);
        expected.iter().all(|(column, value)| {
            let mut words = vec![0; self.schema.field_words(*column)];
            self.schema.load_field(cells, *column, &mut words);
            self.schema.value(*column, &words) == Some(*value)
        })
    }
}

/// See [`Table::iter`].
#[derive(Debug)]
pub struct Iter<'a> {
    table: &'a Table,
    from: u32,
}

impl Iterator for Iter<'_> {
    type Item = Row;
    fn next(&mut self) -> Option<Row> {
        let mut row = self.table.row();
        self.from = self.table.next(self.from, &mut row)?;
        Some(row)
    }
}

impl<'a> IntoIterator for &'a Table {
    type Item = Row;
    type IntoIter = Iter<'a>;
    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

const LEAST: u32 = 64;
const MOST: u32 = 1 << 30;
const EXTRA: f64 = 0.2;
/// How often a full table is asked to make room for one row, which others may take.
const TRIES: usize = 64;
/// Rows of which the memory is asked for at once.
const BATCH: usize = 16;
/// Words of a value that is copied out over the stack.
const SMALL: usize = 33;
