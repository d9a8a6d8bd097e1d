//! The C function through which PHP calls each handler.
//!
//! Invariant: no panic crosses into C; it becomes an `Error`. A fatal error that was returned as [`Raised::Bailout`] jumps
//! from here, where the frame owns nothing.

use super::{Call, IntoZval, PhpResult, Raised, Zval, ffi};
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::NonNull;

/// The C function for the handler `F`. `OPEN`: it accepts more arguments than it declares.
pub(super) unsafe extern "C" fn entry<F, R, const OPEN: bool>(
    frame: *mut ffi::zend_execute_data,
    result: *mut ffi::zval,
) where
    F: Fn(&mut Call<'_>) -> PhpResult<R> + Copy + 'static,
    R: IntoZval,
{
    const { assert!(size_of::<F>() == 0, "a handler captures nothing") };
    // SAFETY: PHP passes the frame of the running function and a result zval that holds `null`.
    let bailout = unsafe {
        if !arity_fits::<OPEN>(frame) {
            return;
        }
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            // `F` is zero-sized (asserted above), so a dangling pointer is valid to read it from.
            let handler = NonNull::<F>::dangling().read();
            handler(&mut Call::new(frame))
        }));
        match outcome {
            Ok(Ok(value)) => {
                value.write(&mut *result.cast::<Zval>());
                false
            }
            Ok(Err(raised)) => raised == Raised::Bailout,
            Err(panic) => {
                throw_panic(panic);
                false
            }
        }
    };
    if bailout {
        // SAFETY: PHP has set a bailout point around the call, and this frame owns nothing that the jump would leak.
        unsafe { ffi::swoosh_bailout() }
    }
}

/// Checks the number of arguments; throws an `ArgumentCountError` and returns false if it is wrong.
///
/// # Safety
/// `frame` is the frame of the running internal function.
#[inline]
unsafe fn arity_fits<const OPEN: bool>(frame: *mut ffi::zend_execute_data) -> bool {
    // SAFETY: the caller passes the live frame of an internal function, so the union's `internal_function` is valid.
    unsafe {
        let given = (*frame).This.u2.num_args;
        let function = &(*(*frame).func).internal_function;
        let (least, most) = (function.required_num_args, function.num_args);
        // One comparison for both bounds: a smaller number wraps around.
        if given.wrapping_sub(least) <= most.wrapping_sub(least) {
            return true;
        }
        let open = OPEN || function.fn_flags & VARIADIC != 0;
        open && given >= least || throw_count(least, if open { u32::MAX } else { most })
    }
}

/// Throws an `ArgumentCountError` and returns false.
///
/// # Safety
/// Called while an internal function runs, whose name the message contains.
#[cold]
unsafe fn throw_count(least: u32, most: u32) -> bool {
    // SAFETY: the caller guarantees a running function.
    unsafe { ffi::zend_wrong_parameters_count_error(least, most) };
    false
}

#[cold]
fn throw_panic(panic: Box<dyn Any + Send>) {
    let text = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("no message");
    super::error::throw_error(&format!("internal error, please report it: {text}"));
}

/// `ZEND_ACC_VARIADIC`.
pub(super) const VARIADIC: u32 = 1 << 14;
