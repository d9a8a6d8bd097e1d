//! Calls into PHP, under a guard that turns a fatal error into a value.

use super::error::{pending, throw_error};
use super::{Array, IntoZval, Object, PhpResult, Raised, Zval, ffi};
use std::ffi::{CStr, c_void};

/// Something of PHP's that can be called, looked up once.
pub struct Callable {
    /// What the user gave: it keeps everything in `cache` alive.
    value: Zval,
    cache: ffi::zend_fcall_info_cache,
    /// The object that `cache` names, held.
    object: Option<Object>,
}

impl Callable {
    /// Looks up what a value calls. `Err` says why it calls nothing, in PHP's words.
    pub fn new(value: &Zval) -> Result<Self, String> {
        let value = value.clone();
        // SAFETY: both are plain data that PHP fills in.
        let (mut call, mut cache): (ffi::zend_fcall_info, ffi::zend_fcall_info_cache) =
            unsafe { (std::mem::zeroed(), std::mem::zeroed()) };
        let mut problem = std::ptr::null_mut();
        // SAFETY: a live zval and places to write to; the problem's text is allocated by PHP.
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
            // SAFETY: a C string of PHP's allocator, ours to give back.
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
        // SAFETY: the object that PHP found is alive; `clone` takes a count.
        let object =
            (!cache.object.is_null()).then(|| unsafe { (*(&raw const cache.object).cast::<Object>()).clone() });
        Ok(Callable { value, cache, object })
    }

    /// Calls it. The arguments stay the caller's.
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
        // SAFETY: all pointers are live for the call; the guard returns here even after a fatal error.
        let failed = unsafe { ffi::swoosh_call(&mut call, &mut cache) };
        outcome(failed, result)
    }

    /// Calls it: the result is undefined if that threw. A fatal error jumps out of it: for the bottom of a coroutine, whose guard is there
    /// already and which owns nothing.
    #[inline]
    pub fn call_unguarded(&self, args: &mut [Zval]) -> Zval {
        let mut result = Zval::undef();
        let mut cache = self.cache;
        let mut value = self.value.0;
        // SAFETY: all pointers are live for the call.
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

    /// Tells the cycle collector what it holds, see [`Payload::trace`](super::Payload::trace).
    pub fn trace(&self, visit: &mut dyn FnMut(&Zval)) {
        visit(&self.value);
        if let Some(object) = &self.object {
            object.trace(visit);
        }
    }

    /// What the user gave.
    pub fn value(&self) -> &Zval {
        &self.value
    }
}

/// Calls a function of PHP's own, or a static method, by its name. `None`: there is none of that name, because its extension is
/// not loaded or a setting took it away (`disable_functions`). What it throws is `Err`, as of any call.
pub fn call_function(name: &str, args: &mut [Zval]) -> PhpResult<Option<Zval>> {
    match Callable::new(&name.into_zval()) {
        Ok(function) => function.call(args).map(Some),
        Err(_) => Ok(None),
    }
}

/// Gives the process a title, which process lists show. False where PHP cannot.
pub fn set_process_title(title: Zval) -> PhpResult<bool> {
    Ok(call_function("cli_set_process_title", &mut [title])?.is_some_and(|set| set.to_bool()))
}

impl Object {
    /// Calls a method by its name; an `Error` is thrown where the object has none of that name.
    pub fn call_method(&self, name: &str, args: &mut [Zval]) -> PhpResult<Zval> {
        let mut target = Array::new();
        target.push(self.clone());
        target.push(name);
        match Callable::new(&target.into_zval()) {
            Ok(method) => method.call(args),
            Err(why) => Err(throw_error(&why)),
        }
    }

    /// Calls a closure; of another object the result is an exception of PHP's.
    pub fn call_closure(&self, args: &mut [Zval]) -> PhpResult<Zval> {
        debug_assert!(self.is_closure());
        let mut result = Zval::undef();
        // SAFETY: a live closure and live arguments; the guard returns here even after a fatal error.
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
    /// As [`Callable::call_unguarded`], for a closure.
    #[inline]
    pub fn call_closure_unguarded(&self, args: &mut [Zval]) -> Zval {
        debug_assert!(self.is_closure());
        let mut result = Zval::undef();
        // SAFETY: a live closure and live arguments.
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

/// Runs something that calls PHP under a guard. It must hold nothing that has to be dropped: a fatal error jumps out of
/// it.
pub fn guarded<F: FnOnce()>(body: F) -> PhpResult<()> {
    unsafe extern "C" fn run<F: FnOnce()>(context: *mut c_void) {
        // SAFETY: the context is the `Option<F>` below, which outlives the guard.
        if let Some(body) = unsafe { (*context.cast::<Option<F>>()).take() } {
            body();
        }
    }
    let mut body = Some(body);
    // SAFETY: `run::<F>` is given the context it expects.
    let failed = unsafe { ffi::swoosh_try(Some(run::<F>), (&raw mut body).cast::<c_void>()) };
    if failed { Err(Raised::Bailout) } else { pending().map_or(Ok(()), Err) }
}

#[inline]
fn outcome(failed: bool, result: Zval) -> PhpResult<Zval> {
    if failed {
        // What a broken call left is not looked at.
        std::mem::forget(result);
        return Err(Raised::Bailout);
    }
    match pending() {
        None => Ok(result),
        Some(raised) => Err(raised),
    }
}
