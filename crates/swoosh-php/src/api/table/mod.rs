//! `Swoole\Table`: rows in memory shared with forked processes.
//!
//! Values are converted before a row is written: no lock is held while PHP code may run.

mod data;
mod extensions;

use super::exception::constructed;
use super::shared_memory;
use crate::runtime::last_error;
use data::{ColumnValue, Holder, SharedTable, Values, array, convert, given, made, ok_or_report, zval};
use std::cell::Cell;
use std::rc::Rc;
use swoosh::shm::table::{ColumnKind, Table, TableBuilder, Value, WriteIf};
use swoosh_zend::error::{throw_error, warning};
use swoosh_zend::{
    Array, Call, Class, ClassBuilder, ClassSlot, IntoZval, Object, OrFalse, PhpResult, Value as Constant, ZStr, Zval,
};

static TABLE: ClassSlot = ClassSlot::new();

/// Registers the class.
pub fn register() {
    ClassBuilder::new("Swoole\\Table")
        .alias("swoole_table")
        .implements(Class::iterator())
        .implements(Class::countable())
        .payload::<Holder>()
        .constant("TYPE_INT", Constant::Int(TYPE_INT))
        .constant("TYPE_STRING", Constant::Int(TYPE_STRING))
        .constant("TYPE_FLOAT", Constant::Int(TYPE_FLOAT))
        .property("size", Constant::Null)
        .property("memorySize", Constant::Null)
        .method("__construct(int $table_size, float $conflict_proportion = 0.2)", construct)
        .method("column(string $name, int $type, int $size = 0): bool", constructed::<Holder, _>(column))
        .method("create(): bool", constructed::<Holder, _>(create))
        .method("destroy(): bool", constructed::<Holder, _>(destroy))
        .method("set(string $key, array $value): bool", |call: &mut Call<'_>| write(call, WriteIf::Always))
        .method("add(string $key, array $values): bool", |call: &mut Call<'_>| write(call, WriteIf::Absent))
        .method("update(string $key, array $values): bool", |call: &mut Call<'_>| write(call, WriteIf::Present))
        .method("cmpset(string $key, array $expected, array $values): bool", compare_and_set)
        .method("get(string $key, ?string $field = null): array|string|int|float|false", get)
        .method("getdel(string $key, ?string $field = null): array|string|int|float|false", get_and_delete)
        .method("count(): int", constructed::<Holder, _>(count))
        .method("del(string $key): bool", delete)
        .method("delete(string $key): bool", delete)
        .method("cmpdel(string $key, array $expected): bool", compare_and_delete)
        .method("exists(string $key): bool", exists)
        .method("exist(string $key): bool", exists)
        .method("incr(string $key, string $column, int|float $incrby = 1): int|float|false", increase)
        .method("decr(string $key, string $column, int|float $incrby = 1): int|float|false", decrease)
        .method("getSize(): int", constructed::<Holder, _>(size))
        .method("getMemorySize(): int", constructed::<Holder, _>(memory_size))
        .method("stats(): array|false", constructed::<Holder, _>(stats))
        .method("configure(array $options): bool", constructed::<Holder, _>(extensions::configure))
        .method("setFor(string $key, array $values, float $seconds): bool", extensions::set_for)
        .method("expire(string $key, ?float $seconds): bool", extensions::expire)
        .method("purge(): int", extensions::purge)
        .method("getMany(array $keys): array", extensions::get_many)
        .method("setMany(array $rows): int", extensions::set_many)
        .method("static reserve(int $bytes): bool", shared_memory::reserve)
        .method("static reserved(): array|false", shared_memory::reserved)
        .method("rewind(): void", rewind)
        .method("valid(): bool", valid)
        .method("next(): void", next)
        .method("current(): mixed", current)
        .method("key(): mixed", key)
        .register(&TABLE);
}

fn construct(call: &mut Call<'_>) -> PhpResult<()> {
    let (rows, extra) = (call.int(0)?, call.float_or(1, MIN_CONFLICT_PROPORTION)?);
    if rows > MAX_ROWS {
        let why = format!("a table has at most {MAX_ROWS} rows, not {rows}");
        return Err(swoosh_zend::error::throw(super::exception::EXCEPTION.get(), &why, 0));
    }
    let holder = call.payload::<Holder>();
    if holder.made.borrow().is_some() {
        return Err(throw_error("the table was already created"));
    }
    let mut builder = Table::builder(rows.max(0) as u32);
    builder.extra(if extra.is_finite() { extra.max(MIN_CONFLICT_PROPORTION) } else { MIN_CONFLICT_PROPORTION });
    *holder.making.borrow_mut() = Some(builder);
    holder.constructed.set(true);
    Ok(())
}

fn column(call: &mut Call<'_>) -> PhpResult<bool> {
    let (name, kind, size) = (call.bytes(0)?, call.int(1)?, call.int_or(2, 0)?);
    let kind = match kind {
        TYPE_INT => ColumnKind::Int,
        TYPE_FLOAT => ColumnKind::Float,
        TYPE_STRING if (1..=MAX_STRING).contains(&size) => ColumnKind::Text(size as usize),
        TYPE_STRING => {
            last_error::warn_misuse(&format!("a string column requires a size of 1 to {MAX_STRING} bytes"));
            return Ok(false);
        }
        other => {
            warning(&format!("unknown column type {other}: use Table::TYPE_INT, TYPE_FLOAT or TYPE_STRING"));
            return Ok(false);
        }
    };
    let problem = {
        let mut making = call.payload::<Holder>().making.borrow_mut();
        match making.as_mut() {
            None => Some("columns must be added between the constructor and create()"),
            Some(builder) if builder.schema().find(name).is_some() => Some("duplicate column name"),
            Some(builder) => {
                builder.column(name, kind);
                None
            }
        }
    };
    problem.inspect(|problem| warning(problem));
    Ok(problem.is_none())
}

fn create(call: &mut Call<'_>) -> PhpResult<bool> {
    Ok(make(call.payload::<Holder>(), call.this()))
}

fn make(holder: &Holder, object: Option<&Object>) -> bool {
    let Some(mut builder) = holder.making.borrow_mut().take() else {
        last_error::warn_misuse("the table was already created, or was destroyed");
        return false;
    };
    let size = builder.size();
    extensions::use_arena(&mut builder);
    let table = match builder.build() {
        Ok(table) => table,
        Err(error) => {
            let error = swoosh::Error::from(error);
            last_error::set(error.code());
            warning(&error.to_string());
            return false;
        }
    };
    let schema = table.schema();
    let names = (0..schema.len()).filter_map(|n| schema.at(n)).map(|column| ZStr::new(schema.name(column))).collect();
    let row_buffer = Cell::new(Some(table.row()));
    let memory = table.memory();
    let made = SharedTable {
        table,
        names,
        row_buffer,
        here: Cell::new(None),
        cut_warned: Cell::new(false),
        extended: holder.extended.get(),
    };
    *holder.made.borrow_mut() = Some(Rc::new(made));
    if let Some(object) = object {
        object.set("size", size);
        object.set("memorySize", memory);
    }
    true
}

/// Creates a table with these columns.
pub fn object(rows: i64, columns: &[(&str, ColumnKind)]) -> PhpResult<Option<Object>> {
    let object = Object::new(TABLE.get())?;
    object.construct(&mut [rows.into_zval()])?;
    let Some(holder) = object.payload::<Holder>() else { return Ok(None) };
    if let Some(builder) = holder.making.borrow_mut().as_mut() {
        for (name, kind) in columns {
            builder.column(name, *kind);
        }
    }
    Ok(make(holder, Some(&object)).then_some(object.clone()))
}

fn destroy(call: &mut Call<'_>) -> PhpResult<bool> {
    let holder = call.payload::<Holder>();
    let parts = (holder.making.borrow_mut().take(), holder.made.borrow_mut().take());
    drop(parts);
    Ok(true)
}

fn write(call: &mut Call<'_>, when: WriteIf) -> PhpResult<bool> {
    let (key, values) = (call.bytes(0)?, call.array(1)?);
    let made = made(call)?;
    let (values, _) = convert(&made, values, true)?;
    Ok(ok_or_report(made.table.write(key, when, &[], &given(&values))).unwrap_or(false))
}

fn compare_and_set(call: &mut Call<'_>) -> PhpResult<bool> {
    let (key, expected, values) = (call.bytes(0)?, call.array(1)?, call.array(2)?);
    let made = made(call)?;
    let ((expected, unknown), (values, _)) = (convert(&made, expected, false)?, convert(&made, values, true)?);
    if !is_expectation(&expected, unknown) {
        return Ok(false);
    }
    Ok(ok_or_report(made.table.write(key, WriteIf::Present, &given(&expected), &given(&values))).unwrap_or(false))
}

fn compare_and_delete(call: &mut Call<'_>) -> PhpResult<bool> {
    let (key, expected) = (call.bytes(0)?, call.array(1)?);
    let made = made(call)?;
    let (expected, unknown) = convert(&made, expected, false)?;
    Ok(is_expectation(&expected, unknown) && made.table.remove_if(key, &given(&expected)))
}

/// Whether a row can be compared with these values; warns if there are none, or if a name is no column.
fn is_expectation(expected: &Values<ColumnValue>, unknown: bool) -> bool {
    if unknown || expected.is_empty() {
        last_error::warn_misuse("the expected values must be those of one column or more, and of columns only");
        return false;
    }
    true
}

fn get(call: &mut Call<'_>) -> PhpResult<OrFalse<Zval>> {
    let key = call.bytes(0)?;
    let made = made(call)?;
    if call.has(1) {
        let Some(column) = made.table.schema().find(call.bytes(1)?) else { return Ok(OrFalse(None)) };
        return Ok(OrFalse(made.table.field(key, column, zval)));
    }
    let mut row = made.row_buffer();
    let found = made.table.read(key, &mut row).then(|| array(&made, &row).into_zval());
    made.row_buffer.set(Some(row));
    Ok(OrFalse(found))
}

fn get_and_delete(call: &mut Call<'_>) -> PhpResult<OrFalse<Zval>> {
    let key = call.bytes(0)?;
    if key.is_empty() {
        last_error::warn_misuse("the key is empty");
        return Ok(OrFalse(None));
    }
    let made = made(call)?;
    let column = if call.has(1) {
        let Some(column) = made.table.schema().find(call.bytes(1)?) else { return Ok(OrFalse(None)) };
        Some(column)
    } else {
        None
    };
    let mut row = made.row_buffer();
    if !made.table.take(key, &mut row) {
        return Ok(OrFalse(None));
    }
    let taken = match column {
        Some(column) => row.get(column).map(zval),
        None => Some(array(&made, &row).into_zval()),
    };
    made.row_buffer.set(Some(row));
    Ok(OrFalse(taken))
}

fn count(call: &mut Call<'_>) -> PhpResult<u64> {
    let made = call.payload::<Holder>().made.borrow().clone();
    Ok(made.map_or(0, |made| made.table.len()))
}

fn delete(call: &mut Call<'_>) -> PhpResult<bool> {
    let key = call.bytes(0)?;
    Ok(made(call)?.table.remove(key))
}

fn exists(call: &mut Call<'_>) -> PhpResult<bool> {
    let key = call.bytes(0)?;
    Ok(made(call)?.table.contains(key))
}

fn increase(call: &mut Call<'_>) -> PhpResult<OrFalse<Zval>> {
    add(call, false)
}

fn decrease(call: &mut Call<'_>) -> PhpResult<OrFalse<Zval>> {
    add(call, true)
}

#[inline]
fn add(call: &mut Call<'_>, subtracts: bool) -> PhpResult<OrFalse<Zval>> {
    let (key, name) = (call.bytes(0)?, call.bytes(1)?);
    let made = made(call)?;
    let table = &made.table;
    let column = table.schema().find(name);
    let by = match column.and_then(|column| table.schema().kind(column)) {
        Some(ColumnKind::Int) => {
            let by = call.arg(2).map_or(1, Zval::to_int);
            Value::Int(if subtracts { by.wrapping_neg() } else { by })
        }
        Some(ColumnKind::Float) => {
            let by = call.arg(2).map_or(1.0, Zval::to_float);
            Value::Float(if subtracts { -by } else { by })
        }
        Some(ColumnKind::Text(_)) => {
            last_error::warn_misuse("a string column cannot be incremented");
            return Ok(OrFalse(None));
        }
        None => {
            last_error::warn_misuse("unknown column");
            return Ok(OrFalse(None));
        }
    };
    Ok(OrFalse(column.and_then(|column| ok_or_report(table.add_to(key, column, by))).map(zval)))
}

fn size(call: &mut Call<'_>) -> PhpResult<u64> {
    let holder = call.payload::<Holder>();
    let made = holder.made.borrow().as_ref().map(|made| made.table.size());
    let making = holder.making.borrow().as_ref().map(TableBuilder::size);
    Ok(made.or(making).map_or(0, u64::from))
}

fn memory_size(call: &mut Call<'_>) -> PhpResult<usize> {
    Ok(call.payload::<Holder>().made.borrow().as_ref().map_or(0, |made| made.table.memory()))
}

fn stats(call: &mut Call<'_>) -> PhpResult<OrFalse<Array>> {
    let made = call.payload::<Holder>().made.borrow().clone();
    Ok(OrFalse(made.map(|made| {
        let stats = made.table.stats();
        let mut array = Array::new();
        array.insert("num", stats.rows);
        array.insert("conflict_count", stats.conflicts);
        array.insert("conflict_max_level", stats.longest);
        array.insert("insert_count", stats.inserted);
        array.insert("update_count", stats.updated);
        array.insert("delete_count", stats.removed);
        array.insert("available_slice_num", stats.extra.min(stats.capacity - stats.rows.min(stats.capacity)));
        array.insert("total_slice_num", stats.extra);
        if made.extended {
            array.insert("capacity", stats.capacity);
            array.insert("room", stats.room);
            array.insert("row_size", made.table.row_bytes());
            array.insert("evicted_count", stats.evicted);
            array.insert("expired_count", stats.expired);
        }
        array
    })))
}

fn rewind(call: &mut Call<'_>) -> PhpResult<()> {
    made(call)?.advance_from(0);
    Ok(())
}

fn next(call: &mut Call<'_>) -> PhpResult<()> {
    let made = made(call)?;
    if let Some(behind) = made.with_current(|_, behind| behind) {
        made.advance_from(behind);
    }
    Ok(())
}

fn valid(call: &mut Call<'_>) -> PhpResult<bool> {
    Ok(made(call)?.with_current(|_, _| ()).is_some())
}

fn current(call: &mut Call<'_>) -> PhpResult<Option<Array>> {
    let made = made(call)?;
    Ok(made.with_current(|row, _| array(&made, row)))
}

fn key(call: &mut Call<'_>) -> PhpResult<Option<ZStr>> {
    Ok(made(call)?.with_current(|row, _| ZStr::new(row.key())))
}

const TYPE_INT: i64 = 1;
const TYPE_FLOAT: i64 = 2;
const TYPE_STRING: i64 = 3;
const MAX_ROWS: i64 = 1 << 30;
/// Bytes of the longest text that a column takes.
pub const MAX_STRING: i64 = 1 << 24;
const MIN_CONFLICT_PROPORTION: f64 = 0.2;
