//! Reads, writes and iterates over a table.

use super::schema::{Cells, Column, ColumnKind, MAX_KEY_BYTES, Row, Schema, Value};
use super::storage::{Key, LockedChain, NoFreeRow, Prefetch, Storage};
use super::types::{Stats, TableError, WriteIf};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;
use swoosh_os::clock;

/// A table in shared memory. Clones, and the copies in forked processes, are the same table; a process unmaps it with
/// the last of its clones.
///
/// ```
/// use swoosh_shm::table::{ColumnKind, Table, Value};
///
/// let mut columns = Table::builder(1024);
/// let hits = columns.column("hits", ColumnKind::Int);
/// let page = columns.column("page", ColumnKind::Text(64));
/// let table = columns.build()?; // before the processes that share it are forked
///
/// table.set(b"10.0.0.1", &[(page, Value::Text(b"/index")), (hits, Value::Int(1))])?;
/// table.add_to(b"10.0.0.1", hits, Value::Int(1))?;
/// assert_eq!(table.int(b"10.0.0.1", hits), Some(2));
/// # Ok::<(), swoosh_os::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Table {
    /// The rows it was built for.
    rows: u32,
    schema: Arc<Schema>,
    pub(super) storage: Arc<Storage>,
}

impl Table {
    pub(super) fn new(rows: u32, schema: Schema, storage: Storage) -> Self {
        Table { rows, schema: Arc::new(schema), storage: Arc::new(storage) }
    }

    /// The columns.
    pub fn schema(&self) -> &Schema {
        &self.schema
    }

    /// The column with that name.
    pub fn column(&self, name: &str) -> Option<Column> {
        self.schema.find(name.as_bytes())
    }

    /// An empty row for [`read`](Table::read), which reuses its memory.
    pub fn row(&self) -> Row {
        Row::new(&self.schema)
    }

    /// Copies the row with that key into `row`. `false` if there is none; the content of `row` is unspecified then.
    #[inline]
    pub fn read(&self, key: &[u8], row: &mut Row) -> bool {
        self.key(key).is_ok_and(|key| self.read_hashed(&key, row))
    }

    #[inline]
    fn read_hashed(&self, key: &Key, row: &mut Row) -> bool {
        row.cells.resize(self.schema.words(), 0);
        let cells = &mut row.cells;
        let found = self.storage.look(key, Prefetch::All, |from| self.schema.load(from, cells)).is_some();
        if found {
            key.copy_to(row);
        }
        found
    }

    /// Copies one value of the row with that key and returns the result of `read`, which runs without a lock. `None` if
    /// the row or the column does not exist.
    #[inline]
    pub fn field<R>(&self, key: &[u8], column: Column, read: impl FnOnce(Value<'_>) -> R) -> Option<R> {
        let key = self.key(key).ok()?;
        let mut small = [0; STACK_WORDS];
        let mut large = Vec::new();
        let need = self.schema.field_words(column);
        let words = if need <= STACK_WORDS {
            &mut small[..need]
        } else {
            large.resize(need, 0);
            &mut large[..]
        };
        self.storage.look(&key, self.prefetch(column), |cells| self.schema.load_field(cells, column, words))?;
        self.schema.value(column, words).map(read)
    }

    /// The part of a row to prefetch for one column.
    fn prefetch(&self, column: Column) -> Prefetch {
        if let Some(ColumnKind::Text(_)) = self.schema.kind(column) { Prefetch::All } else { Prefetch::Numbers }
    }

    /// The integer in a column of the row with that key.
    #[inline]
    pub fn int(&self, key: &[u8], column: Column) -> Option<i64> {
        self.field(key, column, |value| value.int())?
    }

    /// The float in a column of the row with that key.
    #[inline]
    pub fn float(&self, key: &[u8], column: Column) -> Option<f64> {
        self.field(key, column, |value| value.float())?
    }

    /// The bytes in a column of the row with that key.
    pub fn text(&self, key: &[u8], column: Column) -> Option<Vec<u8>> {
        self.field(key, column, |value| value.bytes().map(<[u8]>::to_vec))?
    }

    /// Whether a row with that key exists.
    #[inline]
    pub fn contains(&self, key: &[u8]) -> bool {
        self.key(key).is_ok_and(|key| self.storage.look(&key, Prefetch::Numbers, |_| ()).is_some())
    }

    /// Sets these values in the row with that key, as one change. Other columns keep their values; those of a new row are
    /// 0 or empty.
    ///
    /// # Errors
    /// If the table is full, or the key or a value is invalid.
    #[inline]
    pub fn set(&self, key: &[u8], values: &[(Column, Value<'_>)]) -> Result<(), TableError> {
        self.write(key, WriteIf::Always, &[], values).map(drop)
    }

    /// Like [`set`](Table::set), if `condition` holds and the row has the `expected` values. An absent row has none, so
    /// it is not written if any are expected. Returns whether the row was written.
    ///
    /// # Errors
    /// See [`set`](Table::set).
    pub fn write(
        &self,
        key: &[u8],
        condition: WriteIf,
        expected: &[(Column, Value<'_>)],
        values: &[(Column, Value<'_>)],
    ) -> Result<bool, TableError> {
        self.write_until(key, condition, expected, values, None)
    }

    /// Like [`set`](Table::set), for a row that expires after `time`, in steps of a millisecond. An expired row is not
    /// found any more and its memory is reused. [`set`](Table::set) leaves the expiry of a row unchanged.
    ///
    /// # Errors
    /// See [`set`](Table::set); also if the table was built without [`expires`](super::TableBuilder::expires).
    pub fn set_for(&self, key: &[u8], values: &[(Column, Value<'_>)], time: Duration) -> Result<(), TableError> {
        let end = Some(self.expiry_after(time)?);
        self.write_until(key, WriteIf::Always, &[], values, end).map(drop)
    }

    /// Changes or removes (`None`) the expiry of a row. `false` if there is no such row.
    ///
    /// # Errors
    /// See [`set_for`](Table::set_for).
    pub fn expire(&self, key: &[u8], time: Option<Duration>) -> Result<bool, TableError> {
        let end = time.map_or(Ok(0), |time| self.expiry_after(time))?;
        self.write_until(key, WriteIf::Present, &[], &[], Some(end))
    }

    /// Removes expired rows, which otherwise are removed when their memory is needed, and returns their number.
    pub fn purge(&self) -> u64 {
        self.storage.purge()
    }

    fn expiry_after(&self, time: Duration) -> Result<u64, TableError> {
        self.storage.deadline().ok_or(TableError::NoExpiry)?;
        Ok(clock::monotonic_ms().saturating_add(time.as_millis().min(1 << 60) as u64).max(1))
    }

    /// Runs a write and repeats it after making room for a new row.
    fn with_room<R>(
        &self,
        key: &Key,
        prefetch: Prefetch,
        write: impl Fn(&LockedChain<'_>) -> Result<R, TableError>,
    ) -> Result<R, TableError> {
        for _ in 0..MAX_ATTEMPTS {
            // The stripe is unlocked before room is made, since the row to remove may belong to any stripe.
            let done = write(&self.storage.lock(key, prefetch));
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
        condition: WriteIf,
        expected: &[(Column, Value<'_>)],
        values: &[(Column, Value<'_>)],
        end: Option<u64>,
    ) -> Result<bool, TableError> {
        let key = self.key(key)?;
        if let Some((column, _)) = values.iter().find(|(column, value)| !self.schema.takes(*column, *value)) {
            return Err(TableError::ValueType { column: column.0 });
        }
        self.with_room(&key, Prefetch::All, |chain| match chain.find(&key) {
            Some(_) if condition == WriteIf::Absent => Ok(false),
            Some(row) if !self.holds(chain, row, expected) => Ok(false),
            Some(row) => {
                match (values, end) {
                    ([(column, Value::Int(value))], None) => self.store(chain, row, *column, *value as u64),
                    ([(column, Value::Float(value))], None) => self.store(chain, row, *column, value.to_bits()),
                    _ => chain.replace(row, |cells| self.fill(cells, values, end)),
                }
                Ok(true)
            }
            None if condition == WriteIf::Present || !expected.is_empty() => Ok(false),
            None => self.insert(chain, &key, values, end).map(|()| true),
        })
    }

    /// Sets rows in order and stops at the first error. Returns the number of rows set, and the error.
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

    /// Calls `visit` with the index and the row of each key, in order; `None` for an absent row. Memory is prefetched for
    /// 16 keys at a time, which is faster than reading one by one.
    pub fn read_many(&self, keys: &[&[u8]], mut visit: impl FnMut(usize, Option<&Row>)) {
        let mut row = self.row();
        let mut hashed = Vec::with_capacity(BATCH);
        for (batch, keys) in keys.chunks(BATCH).enumerate() {
            hashed.clear();
            hashed.extend(keys.iter().map(|key| self.key(key).ok().inspect(|key| self.storage.prefetch_head(key))));
            hashed.iter().flatten().for_each(|key| self.storage.prefetch_first_row(key, Prefetch::All));
            for (n, key) in hashed.iter().enumerate() {
                let found = key.as_ref().is_some_and(|key| self.read_hashed(key, &mut row));
                visit(batch * BATCH + n, found.then_some(&row));
            }
        }
    }

    /// Adds to a number and returns the sum; integers wrap around. An absent row is inserted with 0 first.
    ///
    /// # Errors
    /// See [`set`](Table::set); also if the column is not a number.
    #[inline]
    pub fn add_to(&self, key: &[u8], column: Column, value: Value<'_>) -> Result<Value<'static>, TableError> {
        let key = self.key(key)?;
        let refused = TableError::ValueType { column: column.0 };
        let number = self.schema.number_at(column).ok_or(refused)?;
        if !self.schema.takes(column, value) {
            return Err(refused);
        }
        self.with_room(&key, Prefetch::Numbers, |chain| {
            let row = chain.find(&key);
            let old = row.map_or(0, |row| chain.cells(row).number(number).load(Relaxed));
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

    /// Removes the row with that key. `false` if there is none.
    pub fn remove(&self, key: &[u8]) -> bool {
        self.remove_if(key, &[])
    }

    /// Removes the row with that key if it has the `expected` values. Returns whether it was removed.
    pub fn remove_if(&self, key: &[u8], expected: &[(Column, Value<'_>)]) -> bool {
        let Ok(key) = self.key(key) else { return false };
        let chain = self.storage.lock(&key, Prefetch::All);
        let row = chain.find(&key).filter(|row| self.holds(&chain, *row, expected));
        row.map(|row| chain.remove(row)).is_some()
    }

    /// Removes the row with that key and copies it into `row`. `false` if there is none.
    pub fn take(&self, key: &[u8], row: &mut Row) -> bool {
        let Ok(key) = self.key(key) else { return false };
        let chain = self.storage.lock(&key, Prefetch::All);
        let Some(at) = chain.find(&key) else { return false };
        row.cells.resize(self.schema.words(), 0);
        self.schema.load(chain.cells(at), &mut row.cells);
        chain.remove(at);
        key.copy_to(row);
        true
    }

    /// The number of rows. Waits for a concurrent insertion or removal to finish.
    pub fn len(&self) -> u64 {
        self.storage.count()
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The rows that the table can hold when it has grown to its limit.
    pub fn capacity(&self) -> u32 {
        self.storage.capacity()
    }

    /// The rows that the table was built for, without the extra ones.
    pub fn size(&self) -> u32 {
        self.rows
    }

    /// Bytes per row, with its key and bookkeeping.
    pub fn row_bytes(&self) -> usize {
        self.storage.row_bytes()
    }

    /// Bytes of the mapping. A page of it uses memory once a row in it is used.
    pub fn memory(&self) -> usize {
        self.storage.bytes()
    }

    /// The table's counters. Walks all chains.
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

    /// Copies the first row at position `from` or after it into `row` and returns the position after it. Start with 0. A
    /// row that exists from the first call to the last is visited exactly once, whatever others write meanwhile.
    pub fn next(&self, from: u32, row: &mut Row) -> Option<u32> {
        row.cells.resize(self.schema.words(), 0);
        self.storage.next_row(from, &self.schema, row).map(|at| at + 1)
    }

    /// Copies of the rows, with the guarantee of [`next`](Table::next).
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

    fn store(&self, chain: &LockedChain<'_>, row: u32, column: Column, bits: u64) {
        if let Some(word) = self.schema.number_at(column) {
            chain.store(row, word, bits);
        }
    }

    fn insert(
        &self,
        chain: &LockedChain<'_>,
        key: &Key,
        values: &[(Column, Value<'_>)],
        end: Option<u64>,
    ) -> Result<(), TableError> {
        chain
            .insert(key, |cells| self.fill(cells, values, end))
            .map_err(|NoFreeRow| TableError::Full { rows: self.capacity() })
    }

    fn fill(&self, cells: Cells<'_>, values: &[(Column, Value<'_>)], end: Option<u64>) {
        if let (Some(end), Some(at)) = (end, self.storage.deadline()) {
            cells.number(at).store(end, Relaxed);
        }
        for (column, value) in values {
            self.schema.store(cells, *column, *value);
        }
    }

    fn holds(&self, chain: &LockedChain<'_>, row: u32, expected: &[(Column, Value<'_>)]) -> bool {
        let cells = chain.cells(row);
        expected.iter().all(|(column, value)| {
            let mut words = vec![0; self.schema.field_words(*column)];
            self.schema.load_field(cells, *column, &mut words);
            self.schema.value(*column, &words) == Some(*value)
        })
    }
}

/// Iterates over copies of a table's rows; see [`Table::iter`].
///
/// ```
/// use swoosh_shm::table::Table;
///
/// let table = Table::builder(64).build()?;
/// table.set(b"key", &[]).unwrap();
/// assert!(table.iter().all(|row| row.key() == b"key"));
/// # Ok::<(), swoosh_os::Error>(())
/// ```
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

/// How often a full table makes room for one row, which other writers may take.
const MAX_ATTEMPTS: usize = 64;
/// Rows that are prefetched together.
const BATCH: usize = 16;
/// Words of a value that is copied to the stack.
const STACK_WORDS: usize = 33;
