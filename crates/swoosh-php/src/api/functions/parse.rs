//! Parsing a part of a string, and hashing one.

use swoosh_zend::module::Functions;
use swoosh_zend::{Call, IntoZval, OrFalse, PhpResult, ZStr, Zval, runtime};

/// Adds the functions of this file.
pub(super) fn add(functions: &mut Functions) {
    functions
        .add("swoole_hashcode(string $data, int $type = 0): int|false", hashcode)
        .add(
            "swoole_substr_unserialize(string $str, int $offset, int $length = 0, array $options = []): mixed",
            substr_unserialize,
        )
        .add(
            "swoole_substr_json_decode(string $str, int $offset, int $length = 0, bool $associative = false, int $depth = 512, int $flags = 0): mixed",
            substr_json_decode,
        );
}

/// A hash of the bytes: type 0 is PHP's own, type 1 Jenkins' one-at-a-time.
fn hashcode(call: &mut Call<'_>) -> PhpResult<OrFalse<i64>> {
    let data = call.bytes(0)?;
    Ok(OrFalse(match call.int_or(1, 0)? {
        0 => Some(runtime::string_hash(data) as i64),
        1 => Some(i64::from(one_at_a_time(data))),
        _ => None,
    }))
}

fn one_at_a_time(bytes: &[u8]) -> u32 {
    let mut hash = 0u32;
    for &byte in bytes {
        hash = hash.wrapping_add(u32::from(byte));
        hash = hash.wrapping_add(hash << 10);
        hash ^= hash >> 6;
    }
    hash = hash.wrapping_add(hash << 3);
    hash ^= hash >> 11;
    hash.wrapping_add(hash << 15)
}

/// `unserialize(substr($str, $offset, $length))` without the copy; length 0: to the end.
fn substr_unserialize(call: &mut Call<'_>) -> PhpResult<Zval> {
    let Some(part) = part(call)? else { return Ok(false.into_zval()) };
    let options = if call.count() > 3 { Some(call.array(3)?) } else { None };
    Ok(runtime::unserialize_with(part, options, c"swoole_substr_unserialize"))
}

/// `json_decode(substr($str, $offset, $length), ...)`; length 0: to the end.
fn substr_json_decode(call: &mut Call<'_>) -> PhpResult<Zval> {
    let (associative, depth) = (call.bool_or(3, false)?, call.int_or(4, 512)?);
    let flags = call.int_or(5, 0)?;
    let Some(part) = part(call)? else { return Ok(false.into_zval()) };
    let flags = if associative { flags | OBJECT_AS_ARRAY } else { flags };
    // The parser reads a zero byte behind the end.
    Ok(runtime::json_decode(&ZStr::new(part), flags, depth))
}

/// The part of argument 0 that arguments 1 and 2 name; `None` where there is nothing.
fn part<'a>(call: &Call<'a>) -> PhpResult<Option<&'a [u8]>> {
    let bytes = call.bytes(0)?;
    let (offset, length) = (call.int(1)?, call.int_or(2, 0)?);
    let size = bytes.len() as i64;
    let begin = if offset < 0 { size + offset } else { offset };
    if begin < 0 || begin >= size {
        return Ok(None);
    }
    let end = match length {
        0 => size,
        n if n < 0 => size + n,
        n => begin.saturating_add(n).min(size),
    };
    Ok((end > begin).then(|| &bytes[begin as usize..end as usize]))
}

/// PHP_JSON_OBJECT_AS_ARRAY.
const OBJECT_AS_ARRAY: i64 = 1;
