//! The state behind a `Swoole\Table` object, and values on their way between PHP and a row.
//!
//! Values are converted before a row is locked: conversion may run PHP code (`__toString`), which must not run under a
//! lock that other processes wait for.

use crate::api::exception::{Constructed, not_constructed};
use crate::runtime::last_error;
use smallvec::SmallVec;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use swoosh::log::{self, Level};
use swoosh::shm::table::{Column, ColumnKind, Row, Schema, Table, TableBuilder, TableError, Value};
use swoosh_zend::error::{throw_error, warning};
use swoosh_zend::{Array, Call, IntoZval, Key, PhpResult, Raised, ZStr, Zval};

/// Payload of a table object: a builder before `create()`, a table afterwards.
#[derive(Default)]
pub(super) struct Holder {
    pub(super) making: RefCell<Option<TableBuilder>>,
    pub(super) made: RefCell<Option<Rc<SharedTable>>>,
    /// `configure` was called.
    pub(super) extended: Cell<bool>,
    /// The constructor was called.
    pub(super) constructed: Cell<bool>,
}

impl Constructed for Holder {
    fn is_constructed(&self) -> bool {
        self.constructed.get()
    }
}

swoosh_zend::payload!(Holder);

pub(super) struct SharedTable {
    pub(super) table: Table,
    /// The columns' names, as keys of rows.
    pub(super) names: Vec<ZStr>,
    /// Reused buffer that rows are copied to.
    pub(super) row_buffer: Cell<Option<Row>>,
    /// The iterator's current row, and the position after it.
    pub(super) here: Cell<Option<(Row, u32)>>,
    /// The warning about truncated strings was logged.
    pub(super) cut_warned: Cell<bool>,
    /// `configure` was called: `stats()` reports the extensions.
    pub(super) extended: bool,
}

impl SharedTable {
    /// A row to read into. It is taken out, so that a fatal error in between leaves nothing borrowed.
    pub(super) fn row_buffer(&self) -> Row {
        self.row_buffer.take().unwrap_or_else(|| self.table.row())
    }

    pub(super) fn advance_from(&self, from: u32) {
        let mut row = self.here.take().map_or_else(|| self.table.row(), |(row, _)| row);
        let behind = self.table.next(from, &mut row);
        self.here.set(behind.map(|behind| (row, behind)));
    }

    /// Calls `look` with the iterator's current row.
    pub(super) fn with_current<R>(&self, look: impl FnOnce(&Row, u32) -> R) -> Option<R> {
        let (row, behind) = self.here.take()?;
        let result = look(&row, behind);
        self.here.set(Some((row, behind)));
        Some(result)
    }
}

#[inline]
pub(super) fn made(call: &Call<'_>) -> PhpResult<Rc<SharedTable>> {
    let holder = call.payload::<Holder>();
    holder.made.borrow().clone().ok_or_else(|| match holder.is_constructed() {
        true => throw_error("the table was not created, or was destroyed: call create()"),
        false => not_constructed(),
    })
}

/// A value converted for its column; owns its bytes.
pub(super) enum ColumnValue {
    Int(i64),
    Float(f64),
    Text(ZStr, usize),
}

impl ColumnValue {
    pub(super) fn value(&self) -> Value<'_> {
        match self {
            ColumnValue::Int(value) => Value::Int(*value),
            ColumnValue::Float(value) => Value::Float(*value),
            ColumnValue::Text(text, end) => Value::Text(&text.as_bytes()[..*end]),
        }
    }
}

/// Values of a row; few enough for the stack, in most tables.
pub(super) type Values<T> = SmallVec<[(Column, T); 8]>;

/// Converts an array's values, and tells whether it has unknown columns, which are skipped. `cut`: strings are
/// truncated to their column's size.
pub(super) fn convert(made: &SharedTable, values: &Array, cut: bool) -> PhpResult<(Values<ColumnValue>, bool)> {
    let schema = made.table.schema();
    let mut converted = Values::new();
    let mut unknown = false;
    for (name, value) in values {
        let column = match name {
            Key::Name(name) => schema.find(name.as_bytes()),
            Key::Index(index) => schema.find(index.to_string().as_bytes()),
        };
        let Some(column) = column else {
            unknown = true;
            continue;
        };
        converted.push((column, column_value(made, schema, column, value, cut)?));
    }
    Ok((converted, unknown))
}

pub(super) fn column_value(
    made: &SharedTable,
    schema: &Schema,
    column: Column,
    value: &Zval,
    cut: bool,
) -> PhpResult<ColumnValue> {
    Ok(match schema.kind(column) {
        Some(ColumnKind::Int) => ColumnValue::Int(value.to_int()),
        Some(ColumnKind::Float) => ColumnValue::Float(value.to_float()),
        Some(ColumnKind::Text(size)) => {
            let text = value.to_zstr().ok_or(Raised::Exception)?;
            let length = text.as_bytes().len();
            if length > size && cut && !made.cut_warned.replace(true) {
                let column = String::from_utf8_lossy(schema.name(column)).into_owned();
                log::write(
                    Level::Warning,
                    format_args!(
                        "table: column {column} takes {size} bytes; truncating a string of {length}; further ones are not reported"
                    ),
                );
            }
            let end = if cut { length.min(size) } else { length };
            ColumnValue::Text(text, end)
        }
        None => return Err(Raised::Exception),
    })
}

pub(super) fn given(values: &[(Column, ColumnValue)]) -> Values<Value<'_>> {
    values.iter().map(|(column, held)| (*column, held.value())).collect()
}

pub(super) fn ok_or_report<T>(result: Result<T, TableError>) -> Option<T> {
    result.map_err(refused).ok()
}

#[cold]
pub(super) fn refused(refused: TableError) {
    match refused {
        TableError::Full { .. } => {
            last_error::set(FULL);
            warning(&refused.to_string());
        }
        _ => last_error::warn_misuse(&refused.to_string()),
    }
}

#[inline]
pub(super) fn zval(value: Value<'_>) -> Zval {
    match value {
        Value::Int(value) => value.into_zval(),
        Value::Float(value) => value.into_zval(),
        Value::Text(value) => value.into_zval(),
    }
}

pub(super) fn array(made: &SharedTable, row: &Row) -> Array {
    let mut array = Array::with_capacity(made.names.len());
    for (index, name) in made.names.iter().enumerate() {
        if let Some(value) = made.table.schema().at(index).and_then(|column| row.get(column)) {
            array.append_new(name, zval(value));
        }
    }
    array
}

/// SWOOLE_ERROR_PHP_RUNTIME_NOTICE: the error code of a full table.
pub(super) const FULL: i32 = 510;
