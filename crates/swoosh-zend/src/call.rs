//! Calls from PHP into the extension: access to arguments, coerced like those of PHP's own functions.

use super::error::argument_type_error;
use super::{Array, Callable, Object, PhpResult, Raised, ZStr, Zval, ffi};
use std::marker::PhantomData;

/// A running call. Arguments are numbered from 0; in error messages from 1, as in PHP.
pub struct Call<'a> {
    frame: *mut ffi::zend_execute_data,
    of: PhantomData<&'a ()>,
}

impl<'a> Call<'a> {
    /// # Safety
    /// `frame` is the frame of the running internal function and outlives `'a`.
    pub(super) unsafe fn new(frame: *mut ffi::zend_execute_data) -> Self {
        Call { frame, of: PhantomData }
    }

    /// The number of arguments passed.
    #[inline]
    pub fn count(&self) -> usize {
        // SAFETY: `new` requires a live frame, in which PHP stores the number next to `$this`.
        unsafe { (*self.frame).This.u2.num_args as usize }
    }

    fn place(&self, n: usize) -> Option<*mut ffi::zval> {
        // SAFETY: `count` arguments follow the frame's header, and `n` is below that.
        (n < self.count())
            .then(|| unsafe { self.frame.cast::<ffi::zval>().add(ffi::SWOOSH_CALL_FRAME_SLOTS as usize + n) })
    }

    /// Argument `n` without coercion; `None` if it was not passed.
    #[inline]
    pub fn arg(&self, n: usize) -> Option<&'a Zval> {
        // SAFETY: an argument is a valid zval while the frame lives.
        self.place(n).map(|z| unsafe { Zval::from_ptr(z) })
    }

    /// The arguments from `n` on.
    pub fn rest(&self, n: usize) -> &'a [Zval] {
        match self.place(n) {
            // SAFETY: arguments are contiguous, and `count - n` of them start at `n`.
            Some(z) => unsafe { std::slice::from_raw_parts(z.cast::<Zval>(), self.count() - n) },
            None => &[],
        }
    }

    /// The object the method was called on; `None` in a function or a static method.
    #[inline]
    pub fn this(&self) -> Option<&'a Object> {
        // SAFETY: `This` is a zval of the live frame, and the type check shows that it is an object.
        unsafe {
            if (*self.frame).This.u1.v.type_ != 8 {
                return None;
            }
            Some(&*(&raw const (*self.frame).This.value.obj).cast::<Object>())
        }
    }

    /// An integer.
    #[inline]
    pub fn int(&self, n: usize) -> PhpResult<i64> {
        let Some(z) = self.place(n) else { return Ok(0) };
        // SAFETY: an argument is a valid zval; the type shows which union member is active, and PHP coerces other types.
        unsafe {
            if (*z).u1.v.type_ == 4 {
                return Ok((*z).value.lval);
            }
            // PHP's slow path handles strict_types and floats with integral values.
            let mut value = 0;
            if ffi::zend_parse_arg_long_slow(z, &mut value, n as u32 + 1) {
                return Ok(value);
            }
            self.wrong_type(n, ffi::_zend_expected_type_Z_EXPECTED_LONG)
        }
    }

    /// An integer; `default` if it was not passed.
    #[inline]
    pub fn int_or(&self, n: usize, default: i64) -> PhpResult<i64> {
        if n < self.count() { self.int(n) } else { Ok(default) }
    }

    /// A float.
    pub fn float(&self, n: usize) -> PhpResult<f64> {
        let Some(z) = self.place(n) else { return Ok(0.0) };
        // SAFETY: an argument is a valid zval; the type shows which union member is active, and PHP coerces other types.
        unsafe {
            if (*z).u1.v.type_ == 5 {
                return Ok((*z).value.dval);
            }
            let mut value = 0.0;
            if ffi::zend_parse_arg_double_slow(z, &mut value, n as u32 + 1) {
                return Ok(value);
            }
            self.wrong_type(n, ffi::_zend_expected_type_Z_EXPECTED_DOUBLE)
        }
    }

    /// A float; `default` if it was not passed.
    pub fn float_or(&self, n: usize, default: f64) -> PhpResult<f64> {
        if n < self.count() { self.float(n) } else { Ok(default) }
    }

    /// A boolean.
    pub fn bool(&self, n: usize) -> PhpResult<bool> {
        let Some(z) = self.place(n) else { return Ok(false) };
        // SAFETY: an argument is a valid zval; the type shows which union member is active, and PHP coerces other types.
        unsafe {
            match (*z).u1.v.type_ {
                2 => Ok(false),
                3 => Ok(true),
                _ => {
                    let mut value = false;
                    if ffi::zend_parse_arg_bool_slow(z, &mut value, n as u32 + 1) {
                        return Ok(value);
                    }
                    self.wrong_type(n, ffi::_zend_expected_type_Z_EXPECTED_BOOL)
                }
            }
        }
    }

    /// A boolean; `default` if it was not passed.
    pub fn bool_or(&self, n: usize, default: bool) -> PhpResult<bool> {
        if n < self.count() { self.bool(n) } else { Ok(default) }
    }

    /// A string. A coerced argument is replaced by the string, as in PHP.
    pub fn string(&self, n: usize) -> PhpResult<&'a ZStr> {
        let Some(z) = self.place(n) else { return Err(argument_type_error(n as u32 + 1, "must be given")) };
        // SAFETY: an argument is a valid zval. After the check or coercion it holds a string, which lives as long as the frame.
        unsafe {
            if (*z).u1.v.type_ != 6 {
                let mut value = std::ptr::null_mut();
                if !ffi::zend_parse_arg_str_slow(z, &mut value, n as u32 + 1) {
                    return self.wrong_type(n, ffi::_zend_expected_type_Z_EXPECTED_STRING);
                }
            }
            Ok(&*(&raw const (*z).value.str_).cast::<ZStr>())
        }
    }

    /// A string's bytes.
    pub fn bytes(&self, n: usize) -> PhpResult<&'a [u8]> {
        self.string(n).map(ZStr::as_bytes)
    }

    /// A string's bytes; `default` if it was not passed.
    pub fn bytes_or(&self, n: usize, default: &'a [u8]) -> PhpResult<&'a [u8]> {
        if n < self.count() { self.bytes(n) } else { Ok(default) }
    }

    /// A string as text; invalid UTF-8 is replaced.
    pub fn text(&self, n: usize) -> PhpResult<std::borrow::Cow<'a, str>> {
        self.bytes(n).map(String::from_utf8_lossy)
    }

    /// An array.
    pub fn array(&self, n: usize) -> PhpResult<&'a Array> {
        match self.arg(n).and_then(Zval::array) {
            Some(array) => Ok(array),
            None => self.wrong_type(n, ffi::_zend_expected_type_Z_EXPECTED_ARRAY),
        }
    }

    /// A callable.
    pub fn callable(&self, n: usize) -> PhpResult<Callable> {
        let value = self.arg(n).ok_or(Raised::Exception)?;
        Callable::new(value)
            .map_err(|problem| argument_type_error(n as u32 + 1, &format!("must be a valid callback, {problem}")))
    }

    /// A callable; `None` for `null` or if it was not passed.
    pub fn callable_or_null(&self, n: usize) -> PhpResult<Option<Callable>> {
        match self.arg(n) {
            None => Ok(None),
            Some(value) if value.is_null() => Ok(None),
            Some(value) => Callable::new(value).map(Some).map_err(|problem| {
                argument_type_error(n as u32 + 1, &format!("must be a valid callback or null, {problem}"))
            }),
        }
    }

    /// Whether argument `n` was passed and is not `null`.
    pub fn has(&self, n: usize) -> bool {
        self.arg(n).is_some_and(|z| !z.is_null())
    }

    /// Assigns to an argument that was passed by reference.
    pub fn assign(&self, n: usize, value: impl super::IntoZval) {
        let mut value = value.into_zval();
        if let Some(z) = self.place(n) {
            // SAFETY: the type check shows that the argument is a reference; PHP takes over the value.
            unsafe {
                if (*z).u1.v.type_ == 10 {
                    ffi::swoosh_assign_reference(z, value.as_mut_ptr());
                    std::mem::forget(value);
                }
            }
        }
    }

    /// Replaces an argument by an integer, if it was passed. For wrappers of PHP functions, see [`hook`](super::hook).
    pub fn replace(&self, n: usize, value: i64) {
        if let Some(z) = self.place(n) {
            // SAFETY: the frame owns its arguments, so the old value is dropped and the new one moved in.
            drop(unsafe { std::ptr::replace(z.cast::<Zval>(), super::IntoZval::into_zval(value)) });
        }
    }

    /// Throws PHP's own `TypeError` for an argument.
    #[cold]
    fn wrong_type<T>(&self, n: usize, expected: ffi::zend_expected_type) -> PhpResult<T> {
        if super::error::pending().is_none()
            && let Some(z) = self.place(n)
        {
            // SAFETY: an argument is a valid zval, and `expected` is a constant of PHP.
            unsafe { ffi::zend_wrong_parameter_type_error(n as u32 + 1, expected, z) };
        }
        Err(Raised::Exception)
    }
}
