//! Bindings to PHP's C API, generated from its headers by bindgen (see build.rs).

#![allow(
    missing_docs,
    non_camel_case_types,
    non_upper_case_globals,
    non_snake_case,
    unsafe_op_in_unsafe_fn,
    dead_code,
    unreachable_pub
)]
#![allow(clippy::all, clippy::undocumented_unsafe_blocks)]

include!(concat!(env!("OUT_DIR"), "/php.rs"));
