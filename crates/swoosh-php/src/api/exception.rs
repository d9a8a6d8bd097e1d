//! `Swoole\Exception`, `Swoole\Error`, `Swoole\ExitException` and `Swoole\Coroutine\Curl\Exception`.

use crate::coroutine::classes::{CURL, EXIT};
use swoosh_zend::error::throw;
use swoosh_zend::{Call, Class, ClassBuilder, ClassSlot, PhpResult, Raised, Value, Zval};

/// `Swoole\Exception`.
pub static EXCEPTION: ClassSlot = ClassSlot::new();
/// `Swoole\Error`.
pub static ERROR: ClassSlot = ClassSlot::new();

/// Registers the classes.
pub fn register(short_names: bool) {
    let exception = ClassBuilder::new("Swoole\\Exception")
        .alias("swoole_exception")
        .extends(Class::exception())
        .register(&EXCEPTION);
    let curl = ClassBuilder::new("Swoole\\Coroutine\\Curl\\Exception").extends(exception);
    let curl = if short_names { curl.alias("Co\\Coroutine\\Curl\\Exception") } else { curl };
    curl.register(&CURL);
    ClassBuilder::new("Swoole\\Error").alias("swoole_error").extends(Class::error()).register(&ERROR);
    ClassBuilder::new("Swoole\\ExitException")
        .alias("swoole_exitexception")
        .extends(exception)
        .private_property("flags", Value::Int(0))
        .private_property("status", Value::Int(0))
        .method("getFlags(): int", flags)
        .method("getStatus(): mixed", status)
        .register(&EXIT);
}

/// Throws the error of an object whose constructor was not called, with Swoole's text.
#[cold]
pub fn not_constructed() -> Raised {
    throw(ERROR.get(), "must call constructor first", 0)
}

/// The state of a class whose methods require that the constructor was called.
pub trait Constructed: swoosh_zend::Payload {
    /// Whether it was.
    fn is_constructed(&self) -> bool;
}

/// A method that throws [`not_constructed`] for an object whose constructor was not called.
pub fn constructed<T: Constructed, R>(
    method: impl Fn(&mut Call<'_>) -> PhpResult<R> + Copy + 'static,
) -> impl Fn(&mut Call<'_>) -> PhpResult<R> + Copy + 'static {
    move |call| if call.payload::<T>().is_constructed() { method(call) } else { Err(not_constructed()) }
}

fn flags(call: &mut Call<'_>) -> PhpResult<Option<Zval>> {
    Ok(property(call, "flags"))
}

fn status(call: &mut Call<'_>) -> PhpResult<Option<Zval>> {
    Ok(property(call, "status"))
}

/// A property that only this class sees, whatever class the object is of.
fn property(call: &Call<'_>, name: &str) -> Option<Zval> {
    EXIT.get().slot(name).and_then(|slot| call.this().map(|this| this.slot(slot).clone()))
}
