//! PHP's C API behind safe types, and the switch between native stacks with the executor state that it swaps. The only
//! crate with raw FFI; it does not depend on the engine.
//!
//! | module | contents |
//! |---|---|
//! | [`zval`], [`string`], [`array`](mod@array), [`object`], [`object_pool`] | values; Rust payloads embedded in objects; objects kept for reuse |
//! | [`module`], [`class`], [`signature`], [`info`] | registration of functions, constants, settings and classes |
//! | [`call`], [`callable`], [`error`] | calls from PHP, calls into PHP, exceptions and warnings |
//! | [`stack`], [`vm_state`], [`thread`], [`waker`] | stack switches, swapped executor state, PHP's thread, wakers |
//! | [`hook`], [`system_calls`] | hooks of functions, streams and blocking system calls |
//! | [`interrupt`], [`output`], [`form`], [`runtime`] | other services of PHP |
//!
//! # Rules
//!
//! 1. A call into PHP may not return, because a fatal error jumps over frames: hold no borrow and no lock across one. The
//!    guarded calls of [`callable`] return such an error as [`Raised::Bailout`]; pass it up as data to the C entry function,
//!    which continues the jump and owns nothing.
//! 2. Do not keep a reference to a value that PHP code can reach across a call into PHP: clone it first.
//! 3. The state of PHP belongs to the thread that loaded the module, in a thread-safe PHP too. Call functions from
//!    that thread only, unless they say otherwise.
//!
//! # Example
//!
//! ```no_run
//! use swoosh_zend::module::Functions;
//! use swoosh_zend::{Call, PhpResult};
//!
//! fn add(functions: &mut Functions) {
//!     functions.add("repeat(string $text, int $times = 2): string", |call: &mut Call<'_>| -> PhpResult<Vec<u8>> {
//!         Ok(call.bytes(0)?.repeat(call.int_or(1, 2)?.max(0) as usize))
//!     });
//! }
//! ```
//!
//! The crate links only inside a PHP process, so the examples are not run as doctests (`doctest = false`); the extension's
//! tests in `tests/phpt` cover it.

#![allow(unsafe_code)]
#![deny(missing_docs)]
#![deny(unreachable_pub)]

pub mod array;
pub mod call;
pub mod callable;
pub mod class;
mod entry;
pub mod error;
mod ffi;
pub mod form;
pub mod hook;
mod imports;
pub mod info;
pub mod interrupt;
mod lazy;
pub mod module;
pub mod object;
pub mod object_pool;
pub mod output;
pub mod runtime;
pub mod signature;
pub mod stack;
pub mod string;
pub mod system_calls;
pub mod thread;
pub mod vm_state;
pub mod waker;
pub mod zval;

pub use array::{Array, InternedKey, Key};
pub use call::Call;
pub use callable::{Callable, call_function, set_process_title};
pub use class::{Class, ClassBuilder, ClassSlot, Value};
pub use error::{PhpResult, Raised};
pub use object::{Object, Payload};
pub use string::ZStr;
pub use zval::{IntoZval, Kind, OrFalse, Zval};
