//! Content types by the ending of a file's name.

use crate::zend::module::Functions;
use crate::zend::{Array, Call, PhpResult};
use std::cell::RefCell;
use std::collections::BTreeMap;

/// Adds the functions of this file.
pub fn add(functions: &mut Functions) {
    functions
        .add("swoole_mime_type_add(string $suffix, string $mime_type): bool", add_type)
        .add("swoole_mime_type_set(string $suffix, string $mime_type): void", set_type)
        .add("swoole_mime_type_delete(string $suffix): bool", delete)
        .add("swoole_mime_type_get(string $filename): string", get)
        .add("swoole_get_mime_type(string $filename): string", get)
        .add("swoole_mime_type_exists(string $filename): bool", exists)
        .add("swoole_mime_type_list(): array", list);
}

thread_local! {
    static TYPES: RefCell<BTreeMap<String, String>> =
        RefCell::new(KNOWN.iter().map(|(suffix, kind)| (suffix.to_string(), kind.to_string())).collect());
}

/// The content type of a file, by its name; `application/octet-stream` where it tells none.
pub fn of_file(name: &str) -> String {
    known(name).unwrap_or_else(|| "application/octet-stream".to_owned())
}

/// The content type that a file's name tells.
pub fn known(name: &str) -> Option<String> {
    let name = name.rsplit('/').next().unwrap_or(name);
    let (_, suffix) = name.rsplit_once('.')?;
    TYPES.with_borrow(|types| types.get(&suffix.to_ascii_lowercase()).cloned())
}

fn suffix(call: &Call<'_>) -> PhpResult<String> {
    Ok(call.text(0)?.trim_start_matches('.').to_ascii_lowercase())
}

fn add_type(call: &mut Call<'_>) -> PhpResult<bool> {
    let (suffix, kind) = (suffix(call)?, call.text(1)?.into_owned());
    Ok(TYPES.with_borrow_mut(|types| {
        let new = !types.contains_key(&suffix);
        if new {
            types.insert(suffix, kind);
        }
        new
    }))
}

fn set_type(call: &mut Call<'_>) -> PhpResult<()> {
    let (suffix, kind) = (suffix(call)?, call.text(1)?.into_owned());
    TYPES.with_borrow_mut(|types| types.insert(suffix, kind));
    Ok(())
}

fn delete(call: &mut Call<'_>) -> PhpResult<bool> {
    let suffix = suffix(call)?;
    Ok(TYPES.with_borrow_mut(|types| types.remove(&suffix).is_some()))
}

fn get(call: &mut Call<'_>) -> PhpResult<String> {
    Ok(of_file(&call.text(0)?))
}

fn exists(call: &mut Call<'_>) -> PhpResult<bool> {
    Ok(known(&call.text(0)?).is_some())
}

fn list(_: &mut Call<'_>) -> PhpResult<Array> {
    let all = TYPES.with_borrow(|types| types.clone());
    let mut array = Array::with_capacity(all.len());
    for (suffix, kind) in all {
        array.put(suffix.as_bytes(), kind);
    }
    Ok(array)
}

const KNOWN: &[(&str, &str)] = &[
    ("7z", "application/x-7z-compressed"),
    ("aac", "audio/aac"),
    ("atom", "application/atom+xml"),
    ("avi", "video/x-msvideo"),
    ("avif", "image/avif"),
    ("bin", "application/octet-stream"),
    ("bmp", "image/bmp"),
    ("bz2", "application/x-bzip2"),
    ("css", "text/css"),
    ("csv", "text/csv"),
    ("dll", "application/octet-stream"),
    ("doc", "application/msword"),
    ("docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    ("eot", "application/vnd.ms-fontobject"),
    ("epub", "application/epub+zip"),
    ("exe", "application/octet-stream"),
    ("flac", "audio/flac"),
    ("gif", "image/gif"),
    ("gz", "application/gzip"),
    ("htm", "text/html"),
    ("html", "text/html"),
    ("ico", "image/x-icon"),
    ("ics", "text/calendar"),
    ("iso", "application/octet-stream"),
    ("jar", "application/java-archive"),
    ("jpeg", "image/jpeg"),
    ("jpg", "image/jpeg"),
    ("js", "application/javascript"),
    ("json", "application/json"),
    ("jsonld", "application/ld+json"),
    ("jxl", "image/jxl"),
    ("m3u8", "application/vnd.apple.mpegurl"),
    ("m4a", "audio/mp4"),
    ("m4v", "video/x-m4v"),
    ("map", "application/json"),
    ("md", "text/markdown"),
    ("mid", "audio/midi"),
    ("mjs", "application/javascript"),
    ("mkv", "video/x-matroska"),
    ("mov", "video/quicktime"),
    ("mp3", "audio/mpeg"),
    ("mp4", "video/mp4"),
    ("mpeg", "video/mpeg"),
    ("mpg", "video/mpeg"),
    ("odp", "application/vnd.oasis.opendocument.presentation"),
    ("ods", "application/vnd.oasis.opendocument.spreadsheet"),
    ("odt", "application/vnd.oasis.opendocument.text"),
    ("ogg", "audio/ogg"),
    ("ogv", "video/ogg"),
    ("otf", "font/otf"),
    ("pdf", "application/pdf"),
    ("png", "image/png"),
    ("ppt", "application/vnd.ms-powerpoint"),
    ("pptx", "application/vnd.openxmlformats-officedocument.presentationml.presentation"),
    ("rar", "application/vnd.rar"),
    ("rss", "application/rss+xml"),
    ("rtf", "application/rtf"),
    ("svg", "image/svg+xml"),
    ("svgz", "image/svg+xml"),
    ("tar", "application/x-tar"),
    ("tif", "image/tiff"),
    ("tiff", "image/tiff"),
    ("ts", "video/mp2t"),
    ("ttf", "font/ttf"),
    ("txt", "text/plain"),
    ("wasm", "application/wasm"),
    ("wav", "audio/wav"),
    ("weba", "audio/webm"),
    ("webm", "video/webm"),
    ("webmanifest", "application/manifest+json"),
    ("webp", "image/webp"),
    ("woff", "application/font-woff"),
    ("woff2", "font/woff2"),
    ("xhtml", "application/xhtml+xml"),
    ("xls", "application/vnd.ms-excel"),
    ("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    ("xml", "application/xml"),
    ("xz", "application/x-xz"),
    ("yaml", "application/yaml"),
    ("yml", "application/yaml"),
    ("zip", "application/zip"),
    ("zst", "application/zstd"),
];
