//! The columns of a table, and rows as copies of what they held at one moment.

use crate::word_from_bytes;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnKind {
    /// A signed integer of 64 bits.
    Int,
    /// A float of 64 bits.
    Float,
    /// Up to that many bytes.
    Text(usize),
}

/// A value of a column, given to the table or taken from it.
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
    /// The integer, if it is one.
    pub fn int(self) -> Option<i64> {
        if let Value::Int(value) = self { Some(value) } else { None }
    }

    /// The float, if it is one.
    pub fn float(self) -> Option<f64> {
        if let Value::Float(value) = self { Some(value) } else { None }
    }

    /// The bytes, if it is a text.
    pub fn bytes(self) -> Option<&'a [u8]> {
        if let Value::Text(value) = self { Some(value) } else { None }
    }
}

/// Names a column of the table that gave it. One of another table is refused or means the column at the same place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column(pub(super) usize);

impl Column {
    /// Its place among the columns, from 0.
    pub fn index(self) -> usize {
        self.0
    }
}

/// All columns, in the order in which they were added.
#[derive(Debug, Clone, Default)]
pub struct Schema {
    fields: Vec<Field>,
    /// Columns of numbers.
    numbers: usize,
    /// Words of all texts.
    texts: usize,
}

#[derive(Debug, Clone)]
struct Field {
    name: Box<[u8]>,
    kind: ColumnKind,
    /// Its place among the numbers, or its first word among those of texts: how long it is, and its bytes.
    at: usize,
}

/// The cells of one copy of a row, where they lie.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cells<'a> {
    /// Each number for both copies: what is read and written most lies together, next to the key.
    pub numbers: &'a [[AtomicU64; 2]],
    /// Which copy it is.
    pub copy: usize,
    pub texts: &'a [AtomicU64],
}

impl<'a> Cells<'a> {
    /// That number's cell.
    #[inline]
    pub fn number(self, at: usize) -> &'a AtomicU64 {
        &self.numbers[at][self.copy]
    }

    /// Every word, numbers first.
    pub fn words(self) -> impl Iterator<Item = &'a AtomicU64> {
        self.numbers.iter().map(move |both| &both[self.copy]).chain(self.texts)
    }
}

impl Schema {
    /// Adds a column; one whose name is there already is left as it is.
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

    /// The column of that name.
    pub fn find(&self, name: &[u8]) -> Option<Column> {
        self.fields.iter().position(|field| *field.name == *name).map(Column)
    }

    /// The column at that place.
    pub fn at(&self, index: usize) -> Option<Column> {
        (index < self.fields.len()).then_some(Column(index))
    }

    /// A column's name.
    pub fn name(&self, column: Column) -> &[u8] {
        self.fields.get(column.0).map_or(b"", |field| &field.name)
    }

    /// What a column holds.
    pub fn kind(&self, column: Column) -> Option<ColumnKind> {
        self.fields.get(column.0).map(|field| field.kind)
    }

    /// How many columns there are.
    pub fn len(&self) -> usize {
        self.fields.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// Words of a copied row: its numbers, then its texts.
    pub(super) fn words(&self) -> usize {
        self.numbers + self.texts
    }

    /// Columns of numbers.
    pub(super) fn numbers(&self) -> usize {
        self.numbers
    }

    /// Words of all texts.
    pub(super) fn texts(&self) -> usize {
        self.texts
    }

    /// Where a column's words begin in a copied row.
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

    /// The place of a number among the numbers.
    pub(super) fn number_at(&self, column: Column) -> Option<usize> {
        let field = self.fields.get(column.0)?;
        (!matches!(field.kind, ColumnKind::Text(_))).then_some(field.at)
    }

    /// Writes a value that [`takes`](Schema::takes) allows.
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

    /// Copies one column's cell out: its words, as far as the value reaches.
    #[inline]
    pub(super) fn load_field(&self, cells: Cells<'_>, column: Column, into: &mut [u64]) {
        let Some(field) = self.fields.get(column.0) else { return };
        let ColumnKind::Text(size) = field.kind else {
            into[0] = cells.number(field.at).load(Relaxed);
            return;
        };
        let cell = &cells.texts[field.at..];
        into[0] = cell[0].load(Relaxed);
        // A torn length is found out by the version; here it must only not lead astray.
        let words = (into[0] as usize).min(size).div_ceil(8);
        for (to, from) in into[1..=words].iter_mut().zip(&cell[1..=words]) {
            *to = from.load(Relaxed);
        }
    }

    /// Copies all cells out.
    pub(super) fn load(&self, cells: Cells<'_>, into: &mut [u64]) {
        for (index, field) in self.fields.iter().enumerate() {
            self.load_field(cells, Column(index), &mut into[self.in_row(field)..]);
        }
    }

    /// The words that [`load_field`](Schema::load_field) needs room for.
    pub(super) fn field_words(&self, column: Column) -> usize {
        match self.kind(column) {
            Some(ColumnKind::Text(size)) => 1 + size.div_ceil(8),
            _ => 1,
        }
    }

    /// What the words of one cell mean.
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

/// A row as it was at one moment: a copy, in memory of its own that is used again when it is read into anew.
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

    /// Its key.
    pub fn key(&self) -> &[u8] {
        &as_bytes(&self.key)[..self.key_len.min(MAX_KEY_BYTES)]
    }

    /// A column's value; `None` for a column that the table has not.
    #[inline]
    pub fn get(&self, column: Column) -> Option<Value<'_>> {
        self.schema.value_in_row(column, &self.cells)
    }

    /// A column's value by its name.
    pub fn named(&self, name: &str) -> Option<Value<'_>> {
        self.get(self.schema.find(name.as_bytes())?)
    }

    /// Its columns.
    pub fn schema(&self) -> &Schema {
        &self.schema
    }
}

/// The same key, and the same values in the same columns.
impl PartialEq for Row {
    fn eq(&self, other: &Row) -> bool {
        let same = |n: usize| self.get(Column(n)) == other.get(Column(n));
        self.key() == other.key() && self.schema.len() == other.schema.len() && (0..self.schema.len()).all(same)
    }
}

fn as_bytes(words: &[u64]) -> &[u8] {
    // SAFETY: the bytes of initialised words, for as long as these are borrowed.
    unsafe { std::slice::from_raw_parts(words.as_ptr().cast::<u8>(), size_of_val(words)) }
}

/// Words of a key's place in its row.
pub(super) const KEY_WORDS: usize = 8;
/// The longest key.
pub const MAX_KEY_BYTES: usize = 63;
