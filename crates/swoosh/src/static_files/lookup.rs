//! From a request to the reply with a file.

use super::path::{normalize, percent_decode};
use super::reply::{FileReply, Lookup};
use super::root::{Files, Found};
use super::writer::ReplyWriter;
use crate::proto::http1::request::{Field, Request};

/// Finds the file for a request and makes the reply.
pub fn lookup(files: &Files, request: &Request<'_>, headers: &[Field<'_>]) -> Lookup {
    if !matches!(request.method, "GET" | "HEAD") {
        return Lookup::Declined;
    }
    let target = request.path_and_query().0;
    let target = target.split('#').next().unwrap_or_default();
    let decoded = percent_decode(target.as_bytes());
    let keep_alive = request.keeps_alive(headers);
    let writer = ReplyWriter { head_only: request.method == "HEAD", keep_alive, server: files.server };
    let path = normalize(&decoded).and_then(|path| files.rewritten(path));
    let found = match &path {
        Some(path) if !files.covers(path) => return Lookup::NotFound,
        Some(path) => files.find(path),
        // It leads above the root, or contains a zero byte.
        None => None,
    };
    let parts = match found {
        Some(Found::File(name, file, metadata)) => writer.file(&name, file, &metadata, headers),
        Some(Found::Directory(directory)) => writer.listing(path.as_deref().unwrap_or(b"/"), &directory),
        Some(Found::Declined) => return Lookup::Declined,
        None if files.locations.is_empty() => return Lookup::NotFound,
        None => writer.page(404),
    };
    Lookup::Reply(FileReply { parts, keep_alive })
}
