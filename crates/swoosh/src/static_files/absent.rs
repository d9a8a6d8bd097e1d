//! Without the feature `http` there are no static files: no value of [`Files`] exists.

use super::reply::Lookup;
use crate::proto::http1::request::{Field, Request};
use std::convert::Infallible;

/// The static files of a directory: none without the feature `http`.
#[derive(Debug)]
pub struct Files(Infallible);

/// Finds the file for a request: never called without the feature `http`.
pub fn lookup(files: &Files, _: &Request<'_>, _: &[Field<'_>]) -> Lookup {
    match files.0 {}
}
