//! The only room with raw FFI: PHP's values, objects, calls and classes behind safe types.
//!
//! Two rules hold everywhere. A call into PHP may not return (a fatal error jumps over frames), so nothing is borrowed
//! and no lock is held across one; the guarded calls of [`callable`] give such an error back as [`Raised::Bailout`],
//! which is handed upwards as data and raised again by the entry, whose frame owns nothing. And a reference to a value
//! that PHP code can reach is not kept across a call into PHP: clone it first.

#![allow(unsafe_code)]

pub mod array;
pub mod call;
pub mod callable;
pub mod class;
mod entry;
pub mod error;
mod ffi;
pub mod form;
pub mod hook;
pub mod info;
mod lazy;
pub mod machine;
pub mod module;
pub mod object;
pub mod runtime;
pub mod signature;
pub mod string;
pub mod zval;

pub use array::{Array, Key, KnownKey};
pub use call::Call;
pub use callable::{Callable, call_function, set_process_title};
pub use class::{Class, ClassBuilder, ClassSlot, Value};
pub use error::{PhpResult, Raised};
pub use object::{Object, Payload};
pub use string::ZStr;
pub use zval::{IntoZval, Kind, OrFalse, Zval};
