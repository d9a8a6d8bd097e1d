//! A table by one call.

use crate::api::table;
use crate::api::table::MAX_STRING;
use crate::runtime::last_error;
use swoosh::shm::table::ColumnKind;
use swoosh_zend::module::Functions;
use swoosh_zend::{Call, Object, OrFalse, PhpResult};

/// Adds the function of this file.
pub(super) fn add(functions: &mut Functions) {
    functions.add("swoole_table(int $size, string $fields): Swoole\\Table", table);
}

/// A table with these columns, made: `name:string:32, hits:int, share:float`.
fn table(call: &mut Call<'_>) -> PhpResult<OrFalse<Object>> {
    let (rows, fields) = (call.int(0)?, call.text(1)?);
    let mut columns = Vec::new();
    for field in fields.split(',').map(str::trim).filter(|field| !field.is_empty()) {
        let Some(column) = column(field) else {
            last_error::warn_misuse(&format!(
                "{field}: not a column definition; expected name:int, name:float or name:string:BYTES"
            ));
            return Ok(OrFalse(None));
        };
        columns.push(column);
    }
    table::object(rows, &columns).map(OrFalse)
}

fn column(field: &str) -> Option<(&str, ColumnKind)> {
    let mut parts = field.split([':', '(']).map(|part| part.trim_end_matches(')').trim());
    let (name, kind) = (parts.next().filter(|name| !name.is_empty())?, parts.next()?);
    let size = parts.next().map(|size| size.parse::<i64>().ok().filter(|size| (1..=MAX_STRING).contains(size)));
    let kind = match (kind.to_ascii_lowercase().as_str(), size) {
        ("i" | "int" | "integer", None | Some(Some(_))) => ColumnKind::Int,
        ("f" | "float" | "double", None | Some(Some(_))) => ColumnKind::Float,
        ("s" | "str" | "string", Some(Some(size))) => ColumnKind::Text(size as usize),
        _ => return None,
    };
    parts.next().is_none().then_some((name, kind))
}
