//! The columns of a table, their cells in shared memory, and copies of rows.

use crate::bytes::word_from_bytes;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// The type of a column.
///
/// ```
/// use swoosh_shm::table::{ColumnKind, Table};
///
/// let mut columns = Table::builder(64);
/// columns.column("name", ColumnKind::Text(20));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnKind {
    /// A signed integer of 64 bits.
    Int,
    /// A float of 64 bits.
    Float,
    /// Bytes, up to that many.
    Text(usize),
}

/// A value of a column.
///
/// ```
/// use swoosh_shm::table::Value;
///
/// assert_eq!(Value::Int(3).int(), Some(3));
/// assert_eq!(Value::Text(b"three").int(), None);
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value<'a> {
    /// For [`ColumnKind::Int`].
    Int(i64),
    /// For [`ColumnKind::Float`].
    Float(f64),
    /// For [`ColumnKind::Text`].
    Text(&'a [u8]),
}

impl<'a> Value<'a> {
    /// The integer; `None` for another type.
    pub fn int(self) -> Option<i64> {
        if let Value::Int(value) = self { Some(value) } else { None }
    }

    /// The float; `None` for another type.
    pub fn float(self) -> Option<f64> {
        if let Value::Float(value) = self { Some(value) } else { None }
    }

    /// The bytes; `None` for another type.
    pub fn bytes(self) -> Option<&'a [u8]> {
        if let Value::Text(value) = self { Some(value) } else { None }
    }
}

/// A column of a table by its index. One of another table is refused or means the column with the same index.
///
/// ```
/// use swoosh_shm::table::{ColumnKind, Table};
///
/// let mut columns = Table::builder(64);
/// columns.column("first", ColumnKind::Int);
/// assert_eq!(columns.column("second", ColumnKind::Int).index(), 1);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column(pub(super) usize);

impl Column {
    /// The index among the columns, from 0.
    pub fn index(self) -> usize {
        self.0
    }
}

/// The columns of a table, in the order in which they were added.
///
/// ```
/// use swoosh_shm::table::{ColumnKind, Table};
///
/// let mut columns = Table::builder(64);
/// columns.column("hits", ColumnKind::Int);
/// let column = columns.schema().find(b"hits").unwrap();
/// assert_eq!(columns.schema().kind(column), Some(ColumnKind::Int));
/// ```
#[derive(Debug, Clone, Default)]
pub struct Schema {
    fields: Vec<Field>,
    /// The number of integer and float columns.
    numbers: usize,
    /// Words of all texts.
    texts: usize,
}

#[derive(Debug, Clone)]
struct Field {
    name: Box<[u8]>,
    kind: ColumnKind,
    /// The index among the numbers, or the index of its first word among the words of texts. A text is its length and its
    /// bytes.
    at: usize,
}

/// One copy of a row's cells in shared memory.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cells<'a> {
    /// Both copies of each number, so that the cells used most lie together, next to the key.
    pub(super) numbers: &'a [[AtomicU64; 2]],
    /// The copy, 0 or 1.
    pub(super) copy: usize,
    pub(super) texts: &'a [AtomicU64],
}

impl<'a> Cells<'a> {
    /// The cell of a number.
    #[inline]
    pub(super) fn number(self, at: usize) -> &'a AtomicU64 {
        &self.numbers[at][self.copy]
    }

    /// All words, numbers first.
    pub(super) fn words(self) -> impl Iterator<Item = &'a AtomicU64> {
        self.numbers.iter().map(move |both| &both[self.copy]).chain(self.texts)
    }
}

impl Schema {
    /// Adds a column, or returns the one with that name.
    pub(super) fn add(&mut self, name: &[u8], kind: ColumnKind) -> Column {
        if let Some(there) = self.find(name) {
            return there;
        }
        let (place, words) = match kind {
            ColumnKind::Int | ColumnKind::Float => (&mut self.numbers, 1),
            ColumnKind::Text(size) => (&mut self.texts, 1 + size.div_ceil(8)),
        };
        self.fields.push(Field { name: name.into(), kind, at: *place });
        *place += words;
        Column(self.fields.len() - 1)
    }

    /// The column with that name.
    pub fn find(&self, name: &[u8]) -> Option<Column> {
        self.fields.iter().position(|field| *field.name == *name).map(Column)
    }

    /// The column with that index.
    pub fn at(&self, index: usize) -> Option<Column> {
        (index < self.fields.len()).then_some(Column(index))
    }

    /// The name of a column; empty if it does not exist.
    pub fn name(&self, column: Column) -> &[u8] {
        self.fields.get(column.0).map_or(b"", |field| &field.name)
    }

    /// The type of a column.
    pub fn kind(&self, column: Column) -> Option<ColumnKind> {
        self.fields.get(column.0).map(|field| field.kind)
    }

    /// The number of columns.
    pub fn len(&self) -> usize {
        self.fields.len()
    }

    /// Whether there are no columns.
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// Words of a copied row: its numbers, then its texts.
    pub(super) fn words(&self) -> usize {
        self.numbers + self.texts
    }

    /// The number of integer and float columns.
    pub(super) fn numbers(&self) -> usize {
        self.numbers
    }

    /// Words of all texts.
    pub(super) fn texts(&self) -> usize {
        self.texts
    }

    /// The index of a column's first word in a copied row.
    fn in_row(&self, field: &Field) -> usize {
        if let ColumnKind::Text(_) = field.kind { self.numbers + field.at } else { field.at }
    }

    /// Whether the column can hold the value.
    pub(super) fn takes(&self, column: Column, value: Value<'_>) -> bool {
        match (self.kind(column), value) {
            (Some(ColumnKind::Int), Value::Int(_)) | (Some(ColumnKind::Float), Value::Float(_)) => true,
            (Some(ColumnKind::Text(size)), Value::Text(bytes)) => bytes.len() <= size,
            _ => false,
        }
    }

    /// The index of a column among the numbers; `None` for a text.
    pub(super) fn number_at(&self, column: Column) -> Option<usize> {
        let field = self.fields.get(column.0)?;
        (!matches!(field.kind, ColumnKind::Text(_))).then_some(field.at)
    }

    /// Stores a value, for which [`takes`](Schema::takes) was checked.
    pub(super) fn store(&self, cells: Cells<'_>, column: Column, value: Value<'_>) {
        let Some(field) = self.fields.get(column.0) else { return };
        match value {
            Value::Int(value) => cells.number(field.at).store(value as u64, Relaxed),
            Value::Float(value) => cells.number(field.at).store(value.to_bits(), Relaxed),
            Value::Text(bytes) => {
                let cell = &cells.texts[field.at..];
                cell[0].store(bytes.len() as u64, Relaxed);
                for (word, chunk) in cell[1..].iter().zip(bytes.chunks(8)) {
                    word.store(word_from_bytes(chunk), Relaxed);
                }
            }
        }
    }

    /// Copies the words of one cell, up to the length of its value.
    #[inline]
    pub(super) fn load_field(&self, cells: Cells<'_>, column: Column, into: &mut [u64]) {
        let Some(field) = self.fields.get(column.0) else { return };
        let ColumnKind::Text(size) = field.kind else {
            into[0] = cells.number(field.at).load(Relaxed);
            return;
        };
        let cell = &cells.texts[field.at..];
        into[0] = cell[0].load(Relaxed);
        // The version check detects a torn length; here it only must stay within the cell.
        let words = (into[0] as usize).min(size).div_ceil(8);
        for (to, from) in into[1..=words].iter_mut().zip(&cell[1..=words]) {
            *to = from.load(Relaxed);
        }
    }

    /// Copies all cells.
    pub(super) fn load(&self, cells: Cells<'_>, into: &mut [u64]) {
        for (index, field) in self.fields.iter().enumerate() {
            self.load_field(cells, Column(index), &mut into[self.in_row(field)..]);
        }
    }

    /// Words that [`load_field`](Schema::load_field) writes at most.
    pub(super) fn field_words(&self, column: Column) -> usize {
        match self.kind(column) {
            Some(ColumnKind::Text(size)) => 1 + size.div_ceil(8),
            _ => 1,
        }
    }

    /// The value in the words of one cell.
    pub(super) fn value<'a>(&self, column: Column, words: &'a [u64]) -> Option<Value<'a>> {
        Some(match self.kind(column)? {
            ColumnKind::Int => Value::Int(words[0] as i64),
            ColumnKind::Float => Value::Float(f64::from_bits(words[0])),
            ColumnKind::Text(size) => {
                let bytes = as_bytes(&words[1..]);
                Value::Text(&bytes[..(words[0] as usize).min(size)])
            }
        })
    }

    fn value_in_row<'a>(&self, column: Column, cells: &'a [u64]) -> Option<Value<'a>> {
        let field = self.fields.get(column.0)?;
        self.value(column, cells.get(self.in_row(field)..)?)
    }
}

/// A copy of a row as it was at one moment. [`Table::read`](super::Table::read) reuses its memory.
///
/// ```
/// use swoosh_shm::table::{ColumnKind, Table, Value};
///
/// let mut columns = Table::builder(64);
/// let age = columns.column("age", ColumnKind::Int);
/// let table = columns.build()?;
/// table.set(b"ann", &[(age, Value::Int(30))])?;
///
/// let mut row = table.row();
/// assert!(table.read(b"ann", &mut row));
/// assert_eq!((row.key(), row.named("age")), (&b"ann"[..], Some(Value::Int(30))));
/// # Ok::<(), swoosh_os::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Row {
    schema: Arc<Schema>,
    pub(super) key: [u64; KEY_WORDS],
    pub(super) key_len: usize,
    pub(super) cells: Vec<u64>,
}

impl Row {
    pub(super) fn new(schema: &Arc<Schema>) -> Self {
        let cells = vec![0; schema.words()];
        Row { schema: schema.clone(), key: [0; KEY_WORDS], key_len: 0, cells }
    }

    /// The key.
    pub fn key(&self) -> &[u8] {
        &as_bytes(&self.key)[..self.key_len.min(MAX_KEY_BYTES)]
    }

    /// The value of a column; `None` if the column does not exist.
    #[inline]
    pub fn get(&self, column: Column) -> Option<Value<'_>> {
        self.schema.value_in_row(column, &self.cells)
    }

    /// The value of the column with that name.
    pub fn named(&self, name: &str) -> Option<Value<'_>> {
        self.get(self.schema.find(name.as_bytes())?)
    }

    /// The columns of the row.
    pub fn schema(&self) -> &Schema {
        &self.schema
    }
}

/// Rows are equal if their keys and all their values are.
impl PartialEq for Row {
    fn eq(&self, other: &Row) -> bool {
        let same = |n: usize| self.get(Column(n)) == other.get(Column(n));
        self.key() == other.key() && self.schema.len() == other.schema.len() && (0..self.schema.len()).all(same)
    }
}

fn as_bytes(words: &[u64]) -> &[u8] {
    // SAFETY: initialised words are initialised bytes, bytes need no alignment, and the borrow keeps the words alive.
    unsafe { std::slice::from_raw_parts(words.as_ptr().cast::<u8>(), size_of_val(words)) }
}

/// Words reserved for a key in its row.
pub(super) const KEY_WORDS: usize = 8;
/// The longest key, bytes.
pub const MAX_KEY_BYTES: usize = 63;
