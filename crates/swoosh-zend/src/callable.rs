//! Calls into PHP, under a bailout guard that turns a fatal error into [`Raised::Bailout`].

use super::error::{pending, throw_error};
use super::{Array, IntoZval, Object, PhpResult, Raised, Zval, ffi};
use std::ffi::{CStr, c_void};

/// A PHP callable, resolved once.
pub struct Callable {
    /// The value it was resolved from, which keeps the function in `cache` alive.
    value: Zval,
    cache: ffi::zend_fcall_info_cache,
    /// A reference to the object in `cache`.
    object: Option<Object>,
}

impl Callable {
    /// Resolves a callable. `Err` has PHP's message if the value is not callable.
    pub fn new(value: &Zval) -> Result<Self, String> {
        let value = value.clone();
        // SAFETY: both are plain C structs, for which all-zero is valid.
        let (mut call, mut cache): (ffi::zend_fcall_info, ffi::zend_fcall_info_cache) =
            unsafe { (std::mem::zeroed(), std::mem::zeroed()) };
        let mut problem = std::ptr::null_mut();
        // SAFETY: all pointers are to live values; PHP may store an allocated message in `problem`.
        let good = unsafe {
            ffi::zend_fcall_info_init(
                value.as_ptr().cast_mut(),
                0,
                &mut call,
                &mut cache,
                std::ptr::null_mut(),
                &mut problem,
            ) == 0
        };
        if !problem.is_null() {
            // SAFETY: the message is a C string from PHP's allocator, owned by the caller.
            let text = unsafe {
                let text = CStr::from_ptr(problem).to_string_lossy().into_owned();
                ffi::swoosh_free(problem.cast::<c_void>());
                text
            };
            if !good {
                return Err(text);
            }
        }
        if !good {
            return Err("no array or string given".to_owned());
        }
        // SAFETY: PHP has resolved the object from `value`, which keeps it alive; `clone` adds a reference.
        let object =
            (!cache.object.is_null()).then(|| unsafe { (*(&raw const cache.object).cast::<Object>()).clone() });
        Ok(Callable { value, cache, object })
    }

    /// Calls it. The caller keeps ownership of the arguments.
    pub fn call(&self, args: &mut [Zval]) -> PhpResult<Zval> {
        let mut result = Zval::undef();
        let mut cache = self.cache;
        let mut call = ffi::zend_fcall_info {
            size: size_of::<ffi::zend_fcall_info>(),
            function_name: self.value.0,
            retval: result.as_mut_ptr(),
            params: args.as_mut_ptr().cast::<ffi::zval>(),
            object: cache.object,
            param_count: args.len() as u32,
            named_params: std::ptr::null_mut(),
        };
        // SAFETY: all pointers are to values that outlive the call; `swoosh_call` sets a bailout guard.
        let failed = unsafe { ffi::swoosh_call(&mut call, &mut cache) };
        outcome(failed, result)
    }

    /// Calls it without a guard: a fatal error jumps out of this function. For the lowest frame of a coroutine, which runs
    /// under a guard and owns nothing. The result is undefined if the call threw.
    #[inline]
    pub fn call_unguarded(&self, args: &mut [Zval]) -> Zval {
        let mut result = Zval::undef();
        let mut cache = self.cache;
        let mut value = self.value.0;
        // SAFETY: all pointers are to values that outlive the call.
        unsafe {
            ffi::swoosh_call_unguarded(
                &mut cache,
                &mut value,
                result.as_mut_ptr(),
                args.len() as u32,
                args.as_mut_ptr().cast::<ffi::zval>(),
            );
        }
        result
    }

    /// Visits its values for PHP's cycle collector, see [`Payload::trace`](super::Payload::trace).
    pub fn trace(&self, visit: &mut dyn FnMut(&Zval)) {
        visit(&self.value);
        if let Some(object) = &self.object {
            object.trace(visit);
        }
    }

    /// The value it was resolved from.
    pub fn value(&self) -> &Zval {
        &self.value
    }
}

/// Calls a function or static method by name. `None` if it does not exist, because its extension is not loaded or
/// `disable_functions` removes it.
pub fn call_function(name: &str, args: &mut [Zval]) -> PhpResult<Option<Zval>> {
    match Callable::new(&name.into_zval()) {
        Ok(function) => function.call(args).map(Some),
        Err(_) => Ok(None),
    }
}

/// Sets the process title. False if PHP does not support it.
pub fn set_process_title(title: Zval) -> PhpResult<bool> {
    Ok(call_function("cli_set_process_title", &mut [title])?.is_some_and(|set| set.to_bool()))
}

impl Object {
    /// Calls a method by name; throws an `Error` if there is none.
    pub fn call_method(&self, name: &str, args: &mut [Zval]) -> PhpResult<Zval> {
        let mut target = Array::new();
        target.push(self.clone());
        target.push(name);
        match Callable::new(&target.into_zval()) {
            Ok(method) => method.call(args),
            Err(why) => Err(throw_error(&why)),
        }
    }

    /// Calls a closure. The object must be one, see [`is_closure`](Self::is_closure).
    pub fn call_closure(&self, args: &mut [Zval]) -> PhpResult<Zval> {
        debug_assert!(self.is_closure());
        let mut result = Zval::undef();
        // SAFETY: `self` is a live closure and `args` outlive the call; `swoosh_call_closure` sets a bailout guard.
        let failed = unsafe {
            ffi::swoosh_call_closure(
                self.0.as_ptr(),
                result.as_mut_ptr(),
                args.len() as u32,
                args.as_mut_ptr().cast::<ffi::zval>(),
            )
        };
        outcome(failed, result)
    }
}

impl Object {
    /// Like [`Callable::call_unguarded`], for a closure.
    #[inline]
    pub fn call_closure_unguarded(&self, args: &mut [Zval]) -> Zval {
        debug_assert!(self.is_closure());
        let mut result = Zval::undef();
        // SAFETY: `self` is a live closure and `args` outlive the call.
        unsafe {
            ffi::swoosh_call_closure_unguarded(
                self.0.as_ptr(),
                result.as_mut_ptr(),
                args.len() as u32,
                args.as_mut_ptr().cast::<ffi::zval>(),
            );
        }
        result
    }
}

/// Runs code that calls PHP under a bailout guard. A fatal error jumps out of `body`, so it must own nothing that needs to
/// be dropped.
pub fn guarded<F: FnOnce()>(body: F) -> PhpResult<()> {
    unsafe extern "C" fn run<F: FnOnce()>(context: *mut c_void) {
        // SAFETY: `context` points to the `Option<F>` below, which outlives the guarded call.
        if let Some(body) = unsafe { (*context.cast::<Option<F>>()).take() } {
            body();
        }
    }
    let mut body = Some(body);
    // SAFETY: `run::<F>` expects a pointer to an `Option<F>`, which `body` is.
    let failed = unsafe { ffi::swoosh_try(Some(run::<F>), (&raw mut body).cast::<c_void>()) };
    if failed { Err(Raised::Bailout) } else { pending().map_or(Ok(()), Err) }
}

#[inline]
fn outcome(failed: bool, result: Zval) -> PhpResult<Zval> {
    if failed {
        // A call that bailed out may leave an invalid result.
        std::mem::forget(result);
        return Err(Raised::Bailout);
    }
    match pending() {
        None => Ok(result),
        Some(raised) => Err(raised),
    }
}
