//! PHP's C API behind safe types: values, arrays, objects, classes, calls, hooks; the switch between stacks and the state
//! of PHP's virtual machine that it swaps. The only crate with raw FFI; it knows nothing of the engine.
//!
//! Two rules hold everywhere. A call into PHP may not return (a fatal error jumps over frames), so nothing is borrowed
//! and no lock is held across one; the guarded calls of [`callable`] return such an error as [`Raised::Bailout`],
//! which is passed upwards as data and raised again by the entry, whose frame owns nothing. And a reference to a value
//! that PHP code can reach is not kept across a call into PHP: clone it first.
//!
//! PHP is built without thread safety, so its state belongs to the one thread that loaded the module. Unless a function
//! says otherwise, call it from that thread only.

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
pub mod interrupt;
mod lazy;
pub mod module;
pub mod object;
pub mod output;
pub mod runtime;
pub mod signature;
pub mod stack;
pub mod string;
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
