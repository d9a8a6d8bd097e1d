//! HTTP for programs.

pub mod compress;
pub mod files;
pub mod form;
pub mod mime;
