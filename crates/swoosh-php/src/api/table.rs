//! `Swoole\Table`: rows that a process shares with the children it forks.
//!
//! What a row is to hold is converted first and written then: no lock is held while PHP code may run.

mod beyond;

use super::shared_memory;
use crate::runtime::last_error;
use smallvec::SmallVec;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use swoosh::log::{self, Level};
use swoosh::shm::table::{Column, ColumnKind, Row, Schema, Table, TableBuilder, TableError, Value, WriteIf};
use swoosh_zend::error::{throw_error, warning};
use swoosh_zend::{
    Array, Call, Class, ClassBuilder, ClassSlot, IntoZval, Key, Object, OrFalse, PhpResult, Raised, Value as Constant,
    ZStr, Zval,
};

static TABLE: ClassSlot = ClassSlot::new();

/// What lives in a table object: a table in the making, or one that is made.
#[derive(Default)]
pub struct Holder {
    making: RefCell<Option<TableBuilder>>,
    made: RefCell<Option<Rc<Made>>>,
    /// `configure` was called.
    beyond: Cell<bool>,
}

swoosh_zend::payload!(Holder);

struct Made {
    table: Table,
    /// The columns' names, as keys of rows.
    names: Vec<ZStr>,
    /// Where rows are copied to before PHP gets them.
    spare: Cell<Option<Row>>,
    /// The row that the iterator stands on, and the place behind it; `None` when there is none.
    here: Cell<Option<(Row, u32)>>,
    /// Told once that a text was cut.
    told: Cell<bool>,
    /// It can do what Swoole's cannot.
    beyond: bool,
}

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
        .method("column(string $name, int $type, int $size = 0): bool", column)
        .method("create(): bool", create)
        .method("destroy(): bool", destroy)
        .method("set(string $key, array $value): bool", |call: &mut Call<'_>| write(call, WriteIf::Always))
        .method("add(string $key, array $values): bool", |call: &mut Call<'_>| write(call, WriteIf::Absent))
        .method("update(string $key, array $values): bool", |call: &mut Call<'_>| write(call, WriteIf::Present))
        .method("cmpset(string $key, array $expected, array $values): bool", compare_and_set)
        .method("get(string $key, ?string $field = null): array|string|int|float|false", get)
        .method("getdel(string $key, ?string $field = null): array|string|int|float|false", get_and_delete)
        .method("count(): int", count)
        .method("del(string $key): bool", delete)
        .method("delete(string $key): bool", delete)
        .method("cmpdel(string $key, array $expected): bool", compare_and_delete)
        .method("exists(string $key): bool", exists)
        .method("exist(string $key): bool", exists)
        .method("incr(string $key, string $column, int|float $incrby = 1): int|float|false", increase)
        .method("decr(string $key, string $column, int|float $incrby = 1): int|float|false", decrease)
        .method("getSize(): int", size)
        .method("getMemorySize(): int", memory_size)
        .method("stats(): array|false", stats)
        .method("configure(array $options): bool", beyond::configure)
        .method("setFor(string $key, array $values, float $seconds): bool", beyond::set_for)
        .method("expire(string $key, ?float $seconds): bool", beyond::expire)
        .method("purge(): int", beyond::purge)
        .method("getMany(array $keys): array", beyond::get_many)
        .method("setMany(array $rows): int", beyond::set_many)
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
    let (rows, extra) = (call.int(0)?, call.float_or(1, LEAST_EXTRA)?);
    if rows > MOST_ROWS {
        let why = format!("a table has at most {MOST_ROWS} rows, {rows} are too many");
        return Err(swoosh_zend::error::throw(super::exception::EXCEPTION.get(), &why, 0));
    }
    let holder = call.payload::<Holder>();
    if holder.made.borrow().is_some() {
        return Err(throw_error("this table is made already"));
    }
    let mut builder = Table::builder(rows.max(0) as u32);
    builder.extra(if extra.is_finite() { extra.max(LEAST_EXTRA) } else { LEAST_EXTRA });
    *holder.making.borrow_mut() = Some(builder);
    Ok(())
}

fn column(call: &mut Call<'_>) -> PhpResult<bool> {
    let (name, kind, size) = (call.bytes(0)?, call.int(1)?, call.int_or(2, 0)?);
    let kind = match kind {
        TYPE_INT => ColumnKind::Int,
        TYPE_FLOAT => ColumnKind::Float,
        TYPE_STRING if (1..=LONGEST_TEXT).contains(&size) => ColumnKind::Text(size as usize),
        TYPE_STRING => {
            last_error::warn_misuse(&format!("a column of texts needs their longest size, 1 to {LONGEST_TEXT} bytes"));
            return Ok(false);
        }
        other => {
            warning(&format!("there is no column type {other}: use Table::TYPE_INT, TYPE_FLOAT or TYPE_STRING"));
            return Ok(false);
        }
    };
    let problem = {
        let mut making = call.payload::<Holder>().making.borrow_mut();
        match making.as_mut() {
            None => Some("columns are added between the constructor and create()"),
            Some(builder) if builder.schema().find(name).is_some() => Some("there is a column of that name already"),
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
        last_error::warn_misuse("this table is made already, or was destroyed");
        return false;
    };
    let size = builder.size();
    beyond::use_arena(&mut builder);
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
    let spare = Cell::new(Some(table.row()));
    let memory = table.memory();
    let made = Made { table, names, spare, here: Cell::new(None), told: Cell::new(false), beyond: holder.beyond.get() };
    *holder.made.borrow_mut() = Some(Rc::new(made));
    if let Some(object) = object {
        object.set("size", size);
        object.set("memorySize", memory);
    }
    true
}

/// A table of so many rows with these columns, made.
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

#[inline]
fn made(call: &Call<'_>) -> PhpResult<Rc<Made>> {
    let made = call.payload::<Holder>().made.borrow();
    made.clone().ok_or_else(|| throw_error("there is no table yet, or no more: create() makes it"))
}

/// A value as its column takes it; what it points to is held here.
enum Held {
    Int(i64),
    Float(f64),
    Text(ZStr, usize),
}

impl Held {
    fn value(&self) -> Value<'_> {
        match self {
            Held::Int(value) => Value::Int(*value),
            Held::Float(value) => Value::Float(*value),
            Held::Text(text, end) => Value::Text(&text.as_bytes()[..*end]),
        }
    }
}

/// Values of a row; few enough for the stack, in most tables.
type Values<T> = SmallVec<[(Column, T); 8]>;

/// The values of an array, converted, and whether one of its names is no column's, which is left out. `cut`: texts are
/// cut to their column.
fn convert(made: &Made, values: &Array, cut: bool) -> PhpResult<(Values<Held>, bool)> {
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
        converted.push((column, held(made, schema, column, value, cut)?));
    }
    Ok((converted, unknown))
}

fn held(made: &Made, schema: &Schema, column: Column, value: &Zval, cut: bool) -> PhpResult<Held> {
    Ok(match schema.kind(column) {
        Some(ColumnKind::Int) => Held::Int(value.to_int()),
        Some(ColumnKind::Float) => Held::Float(value.to_float()),
        Some(ColumnKind::Text(size)) => {
            let text = value.to_zstr().ok_or(Raised::Exception)?;
            let length = text.as_bytes().len();
            if length > size && cut && !made.told.replace(true) {
                let column = String::from_utf8_lossy(schema.name(column)).into_owned();
                log::write(
                    Level::Warning,
                    format_args!(
                        "table: column {column} takes {size} bytes; a text of {length} is cut, as others will be"
                    ),
                );
            }
            let end = if cut { length.min(size) } else { length };
            Held::Text(text, end)
        }
        None => return Err(Raised::Exception),
    })
}

fn given(values: &[(Column, Held)]) -> Values<Value<'_>> {
    values.iter().map(|(column, held)| (*column, held.value())).collect()
}

fn told<T>(result: Result<T, TableError>) -> Option<T> {
    result.map_err(refused).ok()
}

#[cold]
fn refused(refused: TableError) {
    match refused {
        TableError::Full { .. } => {
            last_error::set(FULL);
            warning(&refused.to_string());
        }
        _ => last_error::warn_misuse(&refused.to_string()),
    }
}

fn write(call: &mut Call<'_>, when: WriteIf) -> PhpResult<bool> {
    let (key, values) = (call.bytes(0)?, call.array(1)?);
    let made = made(call)?;
    let (values, _) = convert(&made, values, true)?;
    Ok(told(made.table.write(key, when, &[], &given(&values))).unwrap_or(false))
}

fn compare_and_set(call: &mut Call<'_>) -> PhpResult<bool> {
    let (key, expected, values) = (call.bytes(0)?, call.array(1)?, call.array(2)?);
    let made = made(call)?;
    let ((expected, unknown), (values, _)) = (convert(&made, expected, false)?, convert(&made, values, true)?);
    if unknown {
        return Ok(false);
    }
    Ok(told(made.table.write(key, WriteIf::Present, &given(&expected), &given(&values))).unwrap_or(false))
}

fn compare_and_delete(call: &mut Call<'_>) -> PhpResult<bool> {
    let (key, expected) = (call.bytes(0)?, call.array(1)?);
    let made = made(call)?;
    let (expected, unknown) = convert(&made, expected, false)?;
    Ok(!unknown && made.table.remove_if(key, &given(&expected)))
}

fn get(call: &mut Call<'_>) -> PhpResult<OrFalse<Zval>> {
    let key = call.bytes(0)?;
    let made = made(call)?;
    if call.has(1) {
        let Some(column) = made.table.schema().find(call.bytes(1)?) else { return Ok(OrFalse(None)) };
        return Ok(OrFalse(made.table.field(key, column, zval)));
    }
    let mut row = made.spare();
    let found = made.table.read(key, &mut row).then(|| array(&made, &row).into_zval());
    made.spare.set(Some(row));
    Ok(OrFalse(found))
}

fn get_and_delete(call: &mut Call<'_>) -> PhpResult<OrFalse<Zval>> {
    let key = call.bytes(0)?;
    let made = made(call)?;
    let column = if call.has(1) {
        let Some(column) = made.table.schema().find(call.bytes(1)?) else { return Ok(OrFalse(None)) };
        Some(column)
    } else {
        None
    };
    let mut row = made.spare();
    if !made.table.take(key, &mut row) {
        return Ok(OrFalse(None));
    }
    let taken = match column {
        Some(column) => row.get(column).map(zval),
        None => Some(array(&made, &row).into_zval()),
    };
    made.spare.set(Some(row));
    Ok(OrFalse(taken))
}

#[inline]
fn zval(value: Value<'_>) -> Zval {
    match value {
        Value::Int(value) => value.into_zval(),
        Value::Float(value) => value.into_zval(),
        Value::Text(value) => value.into_zval(),
    }
}

fn array(made: &Made, row: &Row) -> Array {
    let mut array = Array::with_capacity(made.names.len());
    for (index, name) in made.names.iter().enumerate() {
        if let Some(value) = made.table.schema().at(index).and_then(|column| row.get(column)) {
            array.append_new(name, zval(value));
        }
    }
    array
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
            last_error::warn_misuse("a column of texts has nothing to add to");
            return Ok(OrFalse(None));
        }
        None => {
            last_error::warn_misuse("there is no such column");
            return Ok(OrFalse(None));
        }
    };
    Ok(OrFalse(column.and_then(|column| told(table.add_to(key, column, by))).map(zval)))
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
        if made.beyond {
            array.insert("capacity", stats.capacity);
            array.insert("room", stats.room);
            array.insert("row_size", made.table.row_bytes());
            array.insert("evicted_count", stats.evicted);
            array.insert("expired_count", stats.expired);
        }
        array
    })))
}

impl Made {
    /// A row to read into. It is taken out, so that a fatal error in between leaves nothing borrowed.
    fn spare(&self) -> Row {
        self.spare.take().unwrap_or_else(|| self.table.row())
    }

    fn go(&self, from: u32) {
        let mut row = self.here.take().map_or_else(|| self.table.row(), |(row, _)| row);
        let behind = self.table.next(from, &mut row);
        self.here.set(behind.map(|behind| (row, behind)));
    }

    /// What `look` says of the row that the iterator stands on.
    fn at_here<R>(&self, look: impl FnOnce(&Row, u32) -> R) -> Option<R> {
        let (row, behind) = self.here.take()?;
        let result = look(&row, behind);
        self.here.set(Some((row, behind)));
        Some(result)
    }
}

fn rewind(call: &mut Call<'_>) -> PhpResult<()> {
    made(call)?.go(0);
    Ok(())
}

fn next(call: &mut Call<'_>) -> PhpResult<()> {
    let made = made(call)?;
    if let Some(behind) = made.at_here(|_, behind| behind) {
        made.go(behind);
    }
    Ok(())
}

fn valid(call: &mut Call<'_>) -> PhpResult<bool> {
    Ok(made(call)?.at_here(|_, _| ()).is_some())
}

fn current(call: &mut Call<'_>) -> PhpResult<Option<Array>> {
    let made = made(call)?;
    Ok(made.at_here(|row, _| array(&made, row)))
}

fn key(call: &mut Call<'_>) -> PhpResult<Option<ZStr>> {
    Ok(made(call)?.at_here(|row, _| ZStr::new(row.key())))
}

const TYPE_INT: i64 = 1;
const TYPE_FLOAT: i64 = 2;
const TYPE_STRING: i64 = 3;
/// SWOOLE_ERROR_PHP_RUNTIME_NOTICE: what a full table says.
const FULL: i32 = 510;
const MOST_ROWS: i64 = 1 << 30;
/// Bytes of the longest text that a column takes.
pub const LONGEST_TEXT: i64 = 1 << 24;
const LEAST_EXTRA: f64 = 0.2;
