//! PHP values as RESP replies.

use swoosh::proto::resp;
use swoosh_zend::{Array, Key, Kind, Zval};

/// Reply types, numbered as the constants of `Swoole\Redis\Server`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum ReplyType {
    Error = 0,
    Nil = 1,
    Status = 2,
    Int = 3,
    String = 4,
    Set = 5,
    Map = 6,
}

impl ReplyType {
    /// The type with that number.
    pub fn from_number(number: i64) -> Option<ReplyType> {
        use ReplyType::*;
        [Error, Nil, Status, Int, String, Set, Map].into_iter().find(|kind| *kind as i64 == number)
    }
}

/// Encodes a reply.
///
/// # Errors
/// The message for PHP if the type needs a value or an array.
pub fn format(kind: ReplyType, value: Option<&Zval>) -> Result<Vec<u8>, &'static str> {
    let mut out = Vec::new();
    let text = |value: &Zval| value.to_zstr().map(|text| text.as_bytes().to_vec()).unwrap_or_default();
    match (kind, value) {
        (ReplyType::Nil, _) => resp::put_nil(&mut out),
        (ReplyType::Error, value) => resp::put_error(&mut out, &value.map_or_else(|| b"ERR".to_vec(), text)),
        (ReplyType::Status, value) => resp::put_status(&mut out, &value.map_or_else(|| b"OK".to_vec(), text)),
        (_, None) => return Err("a reply of this type requires a value"),
        (ReplyType::Int, Some(value)) => resp::put_int(&mut out, value.to_int()),
        (ReplyType::String, Some(value)) => resp::put_bulk(&mut out, &text(value)),
        (ReplyType::Set | ReplyType::Map, Some(value)) => {
            let items = value.array().ok_or("a reply of type SET or MAP requires an array")?;
            array(&mut out, items, kind == ReplyType::Map);
        }
    }
    Ok(out)
}

fn array(out: &mut Vec<u8>, items: &Array, with_keys: bool) {
    let count = if with_keys { 2 * items.len() } else { items.len() };
    resp::put_array(out, count);
    for (key, value) in items {
        match key {
            Key::Name(name) if with_keys => resp::put_bulk(out, name.as_bytes()),
            Key::Index(index) if with_keys => resp::put_bulk(out, index.to_string().as_bytes()),
            _ => {}
        }
        item(out, value.dereferenced());
    }
}

fn item(out: &mut Vec<u8>, value: &Zval) {
    match value.kind() {
        Kind::Undef | Kind::Null => resp::put_nil(out),
        Kind::False | Kind::True | Kind::Int => resp::put_int(out, value.to_int()),
        Kind::Array => {
            let Some(items) = value.array() else { return };
            let is_list = items.iter().zip(0..).all(|((key, _), at)| matches!(key, Key::Index(index) if index == at));
            array(out, items, !is_list);
        }
        _ => resp::put_bulk(out, value.to_zstr().as_ref().map(|text| text.as_bytes()).unwrap_or_default()),
    }
}
