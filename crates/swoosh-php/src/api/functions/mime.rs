//! The functions about content types by the ending of a file's name.

use swoosh::http::mime;
use swoosh_zend::module::Functions;
use swoosh_zend::{Array, Call, PhpResult};

/// Adds the functions of this file.
pub(super) fn add(functions: &mut Functions) {
    functions
        .add("swoole_mime_type_add(string $suffix, string $mime_type): bool", add_type)
        .add("swoole_mime_type_set(string $suffix, string $mime_type): void", set_type)
        .add("swoole_mime_type_delete(string $suffix): bool", delete)
        .add("swoole_mime_type_get(string $filename): string", get)
        .add("swoole_get_mime_type(string $filename): string", get)
        .add("swoole_mime_type_exists(string $filename): bool", exists)
        .add("swoole_mime_type_list(): array", list);
}

fn suffix(call: &Call<'_>) -> PhpResult<String> {
    Ok(call.text(0)?.trim_start_matches('.').to_ascii_lowercase())
}

fn add_type(call: &mut Call<'_>) -> PhpResult<bool> {
    let (suffix, kind) = (suffix(call)?, call.text(1)?.into_owned());
    Ok(mime::with_table(|types| {
        let new = !types.contains_key(&suffix);
        if new {
            types.insert(suffix, kind);
        }
        new
    }))
}

fn set_type(call: &mut Call<'_>) -> PhpResult<()> {
    let (suffix, kind) = (suffix(call)?, call.text(1)?.into_owned());
    mime::with_table(|types| types.insert(suffix, kind));
    Ok(())
}

fn delete(call: &mut Call<'_>) -> PhpResult<bool> {
    let suffix = suffix(call)?;
    Ok(mime::with_table(|types| types.remove(&suffix).is_some()))
}

fn get(call: &mut Call<'_>) -> PhpResult<String> {
    Ok(mime::of_file(&call.text(0)?))
}

fn exists(call: &mut Call<'_>) -> PhpResult<bool> {
    Ok(mime::known(&call.text(0)?).is_some())
}

fn list(_: &mut Call<'_>) -> PhpResult<Array> {
    let all = mime::with_table(|types| types.clone());
    let mut array = Array::with_capacity(all.len());
    for (suffix, kind) in all {
        array.put(suffix.as_bytes(), kind);
    }
    Ok(array)
}
