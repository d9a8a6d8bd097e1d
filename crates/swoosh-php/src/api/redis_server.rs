//! `Swoole\Redis\Server`: a server whose ports speak Redis, with a handler for each command.

use super::exception::EXCEPTION;
use super::server_object::{Server, state};
use crate::runtime::last_error;
use crate::server::classes::REDIS_SERVER;
use crate::server::classes::SERVER;
use crate::server::redis::commands::{HANDLERS, handler};
use crate::server::redis::reply::{ReplyType, format as written};
use swoosh_zend::error::throw;
use swoosh_zend::{Call, Callable, ClassBuilder, Object, PhpResult, Value, Zval, call_function};

/// Registers the class.
pub fn register() {
    ClassBuilder::new("Swoole\\Redis\\Server")
        .alias("swoole_redis_server")
        .extends(SERVER.get())
        .payload::<Server>()
        .constant("NIL", Value::Int(ReplyType::Nil as i64))
        .constant("ERROR", Value::Int(ReplyType::Error as i64))
        .constant("STATUS", Value::Int(ReplyType::Status as i64))
        .constant("INT", Value::Int(ReplyType::Int as i64))
        .constant("STRING", Value::Int(ReplyType::String as i64))
        .constant("SET", Value::Int(ReplyType::Set as i64))
        .constant("MAP", Value::Int(ReplyType::Map as i64))
        .private_property(HANDLERS, Value::EmptyArray)
        .method("setHandler(string $command, callable $callback): bool", set_handler)
        .method("getHandler(string $command): Closure", get_handler)
        .method("static format(int $type, mixed $value = null): string|false", format)
        .register(&REDIS_SERVER);
}

fn set_handler(call: &mut Call<'_>) -> PhpResult<bool> {
    let (state, name) = (state(call)?, call.bytes(0)?.to_ascii_uppercase());
    let (Some(this), Some(given)) = (call.this(), call.arg(1)) else { return Ok(false) };
    let Some(slot) = REDIS_SERVER.get().slot(HANDLERS) else { return Ok(false) };
    if name.is_empty() {
        last_error::warn_misuse("a handler needs the name of a command");
        return Ok(false);
    }
    if let Err(why) = Callable::new(given) {
        let name = String::from_utf8_lossy(&name);
        last_error::warn_misuse(&format!("the handler of {name} cannot be called: {why}"));
        return Ok(false);
    }
    let closure = match given.object().is_some_and(Object::is_closure) {
        true => given.clone(),
        false => match call_function("Closure::fromCallable", &mut [given.clone()])? {
            Some(closure) => closure,
            None => return Ok(false),
        },
    };
    let mut handlers = this.slot(slot).array().cloned().unwrap_or_default();
    handlers.insert(&name, closure);
    this.set_slot(slot, handlers);
    state.redis().forget(&name);
    Ok(true)
}

fn get_handler(call: &mut Call<'_>) -> PhpResult<Zval> {
    let name = call.bytes(0)?;
    Ok(call.this().map_or_else(Zval::null, |this| handler(this, name)))
}

fn format(call: &mut Call<'_>) -> PhpResult<Vec<u8>> {
    let number = call.int(0)?;
    let refuse = |why: &str| Err(throw(EXCEPTION.get(), why, INVALID_PARAMS));
    let Some(kind) = ReplyType::from_number(number) else {
        return refuse(&format!("{number} is not a reply type: use one of the constants of Swoole\\Redis\\Server"));
    };
    match written(kind, call.arg(1)) {
        Ok(reply) => Ok(reply),
        Err(why) => refuse(why),
    }
}

/// SWOOLE_ERROR_INVALID_PARAMS.
const INVALID_PARAMS: i64 = 505;
