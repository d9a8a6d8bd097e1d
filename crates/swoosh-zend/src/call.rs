//! A call from PHP into the extension: its arguments, coerced as PHP's own functions coerce theirs.

use super::error::argument_type_error;
use super::{Array, Callable, Object, PhpResult, Raised, ZStr, Zval, ffi};
use std::marker::PhantomData;

/// A running call. Arguments count from 0; messages count them from 1, as PHP does.
pub struct Call<'a> {
    frame: *mut ffi::zend_execute_data,
    of: PhantomData<&'a ()>,
}

impl<'a> Call<'a> {
    /// # Safety
    /// `frame` is the frame of the internal function that is running, and outlives `'a`.
    pub(super) unsafe fn new(frame: *mut ffi::zend_execute_data) -> Self {
        Call { frame, of: PhantomData }
    }

    /// How many arguments were given.
    #[inline]
    pub fn count(&self) -> usize {
        // SAFETY: the frame is alive; the number lies beside `$this`.
        unsafe { (*self.frame).This.u2.num_args as usize }
    }

    fn place(&self, n: usize) -> Option<*mut ffi::zval> {
        // SAFETY: the arguments follow the frame's header, and there are `count` of them.
        (n < self.count())
            .then(|| unsafe { self.frame.cast::<ffi::zval>().add(ffi::SWOOSH_CALL_FRAME_SLOTS as usize + n) })
    }

    /// Argument `n` as it was given; `None` if it was not.
    #[inline]
    pub fn arg(&self, n: usize) -> Option<&'a Zval> {
        // SAFETY: an argument is a valid zval as long as the frame lives.
        self.place(n).map(|z| unsafe { Zval::from_ptr(z) })
    }

    /// Arguments from `n` on.
    pub fn rest(&self, n: usize) -> &'a [Zval] {
        match self.place(n) {
            // SAFETY: arguments lie one after the other.
            Some(z) => unsafe { std::slice::from_raw_parts(z.cast::<Zval>(), self.count() - n) },
            None => &[],
        }
    }

    /// The object the method was called on; `None` in a function or a static method.
    #[inline]
    pub fn this(&self) -> Option<&'a Object> {
        // SAFETY: `This` is a zval of the living frame: an object or nothing.
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
        // SAFETY: an argument is a valid zval; PHP's own coercion decides what is no integer.
        unsafe {
            if (*z).u1.v.type_ == 4 {
                return Ok((*z).value.lval);
            }
            // A whole float is an integer, whatever strict_types says of others; strict_types is asked by the slow way.
            let mut value = 0;
            if ffi::zend_parse_arg_long_slow(z, &mut value, n as u32 + 1) {
                return Ok(value);
            }
            self.wrong_type(n, ffi::_zend_expected_type_Z_EXPECTED_LONG)
        }
    }

    /// An integer; `default` if it was not given.
    #[inline]
    pub fn int_or(&self, n: usize, default: i64) -> PhpResult<i64> {
        if n < self.count() { self.int(n) } else { Ok(default) }
    }

    /// A float.
    pub fn float(&self, n: usize) -> PhpResult<f64> {
        let Some(z) = self.place(n) else { return Ok(0.0) };
        // SAFETY: as in `int`.
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

    /// A float; `default` if it was not given.
    pub fn float_or(&self, n: usize, default: f64) -> PhpResult<f64> {
        if n < self.count() { self.float(n) } else { Ok(default) }
    }

    /// A boolean.
    pub fn bool(&self, n: usize) -> PhpResult<bool> {
        let Some(z) = self.place(n) else { return Ok(false) };
        // SAFETY: as in `int`.
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

    /// A boolean; `default` if it was not given.
    pub fn bool_or(&self, n: usize, default: bool) -> PhpResult<bool> {
        if n < self.count() { self.bool(n) } else { Ok(default) }
    }

    /// A string. What is coerced to one is replaced in its place, as PHP does it.
    pub fn string(&self, n: usize) -> PhpResult<&'a ZStr> {
        let Some(z) = self.place(n) else { return Err(argument_type_error(n as u32 + 1, "must be given")) };
        // SAFETY: as in `int`; the string lives in the argument's place as long as the frame.
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

    /// A string's bytes; `default` if it was not given.
    pub fn bytes_or(&self, n: usize, default: &'a [u8]) -> PhpResult<&'a [u8]> {
        if n < self.count() { self.bytes(n) } else { Ok(default) }
    }

    /// A string as text, where bytes that are no UTF-8 are replaced.
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

    /// Something that can be called.
    pub fn callable(&self, n: usize) -> PhpResult<Callable> {
        let value = self.arg(n).ok_or(Raised::Exception)?;
        Callable::new(value)
            .map_err(|problem| argument_type_error(n as u32 + 1, &format!("must be a valid callback, {problem}")))
    }

    /// Something that can be called; `None` for `null` or nothing.
    pub fn callable_or_null(&self, n: usize) -> PhpResult<Option<Callable>> {
        match self.arg(n) {
            None => Ok(None),
            Some(value) if value.is_null() => Ok(None),
            Some(value) => Callable::new(value).map(Some).map_err(|problem| {
                argument_type_error(n as u32 + 1, &format!("must be a valid callback or null, {problem}"))
            }),
        }
    }

    /// Whether argument `n` was given and is not `null`.
    pub fn has(&self, n: usize) -> bool {
        self.arg(n).is_some_and(|z| !z.is_null())
    }

    /// Gives an argument that was passed by reference a value.
    pub fn assign(&self, n: usize, value: impl super::IntoZval) {
        let mut value = value.into_zval();
        if let Some(z) = self.place(n) {
            // SAFETY: a parameter declared by reference holds one; PHP takes the value over.
            unsafe {
                if (*z).u1.v.type_ == 10 {
                    ffi::swoosh_assign_reference(z, value.as_mut_ptr());
                    std::mem::forget(value);
                }
            }
        }
    }

    /// Puts an integer in the place of an argument, if it was given. For a front before a function of PHP's.
    pub fn replace(&self, n: usize, value: i64) {
        if let Some(z) = self.place(n) {
            // SAFETY: an argument's place is the frame's own; what was there is given back.
            drop(unsafe { std::ptr::replace(z.cast::<Zval>(), super::IntoZval::into_zval(value)) });
        }
    }

    /// Throws PHP's own `TypeError` for an argument.
    #[cold]
    fn wrong_type<T>(&self, n: usize, expected: ffi::zend_expected_type) -> PhpResult<T> {
        if super::error::pending().is_none()
            && let Some(z) = self.place(n)
        {
            // SAFETY: a valid zval and one of PHP's own numbers.
            unsafe { ffi::zend_wrong_parameter_type_error(n as u32 + 1, expected, z) };
        }
        Err(Raised::Exception)
    }
}
