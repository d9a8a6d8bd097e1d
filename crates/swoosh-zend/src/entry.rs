//! Where PHP enters: one C function for each handler. A panic stops here and becomes an `Error`; a fatal error that came
//! up as data goes on from here, where nothing is owned.

use super::{Call, IntoZval, PhpResult, Raised, Zval, ffi};
use std::any::Any;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::NonNull;

/// The C function of the handler `F`. `OPEN`: more arguments than declared are taken.
pub(super) unsafe extern "C" fn entry<F, R, const OPEN: bool>(
    frame: *mut ffi::zend_execute_data,
    result: *mut ffi::zval,
) where
    F: Fn(&mut Call<'_>) -> PhpResult<R> + Copy + 'static,
    R: IntoZval,
{
    const { assert!(size_of::<F>() == 0, "a handler is a function and captures nothing") };
    // SAFETY: PHP calls this with the frame of the running function and a place for its result, which holds `null`.
    let bailout = unsafe {
        if !arity_fits::<OPEN>(frame) {
            return;
        }
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            // A value of a type without size is no bytes at all.
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
                tell(panic);
                false
            }
        }
    };
    if bailout {
        // SAFETY: this frame holds nothing that would have to be dropped.
        unsafe { ffi::swoosh_bailout() }
    }
}

/// Throws `ArgumentCountError` where the number of arguments is wrong.
#[inline]
unsafe fn arity_fits<const OPEN: bool>(frame: *mut ffi::zend_execute_data) -> bool {
    // SAFETY: the frame is alive and its function an internal one.
    unsafe {
        let given = (*frame).This.u2.num_args;
        let function = &(*(*frame).func).internal_function;
        let (least, most) = (function.required_num_args, function.num_args);
        // One comparison: fewer than the least wrap around.
        if given.wrapping_sub(least) <= most.wrapping_sub(least) {
            return true;
        }
        let open = OPEN || function.fn_flags & VARIADIC != 0;
        open && given >= least || refuse(least, if open { u32::MAX } else { most })
    }
}

/// Throws; false.
#[cold]
unsafe fn refuse(least: u32, most: u32) -> bool {
    // SAFETY: called by a running function.
    unsafe { ffi::zend_wrong_parameters_count_error(least, most) };
    false
}

#[cold]
fn tell(panic: Box<dyn Any + Send>) {
    let text = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("no message");
    super::error::throw_error(&format!("internal error, please report it: {text}"));
}

/// ZEND_ACC_VARIADIC.
pub(super) const VARIADIC: u32 = 1 << 14;
