//! `Swoosh\Http2\ServerConnection`.

use super::stream;
use crate::api::exception::{Constructed, constructed};
use crate::api::socket::link_of;
use crate::coroutine::http2::Http2Settings;
use crate::coroutine::http2_server::ServerConnection;
use crate::coroutine::wait;
use crate::runtime::last_error;
use std::cell::RefCell;
use swoosh::sys::error_text;
use swoosh_zend::error::{argument_type_error, throw_error};
use swoosh_zend::{Array, Call, ClassBuilder, ClassSlot, IntoZval, PhpResult, Value, Zval};

static CONNECTION: ClassSlot = ClassSlot::new();

#[derive(Default)]
struct Payload {
    connection: RefCell<Option<std::rc::Rc<ServerConnection>>>,
}
swoosh_zend::payload!(Payload);

impl Constructed for Payload {
    fn is_constructed(&self) -> bool {
        self.connection.borrow().is_some()
    }
}

pub(super) fn register() {
    ClassBuilder::new("Swoosh\\Http2\\ServerConnection")
        .is_final()
        .payload::<Payload>()
        .property("errCode", Value::Int(0))
        .property("errMsg", Value::Text(""))
        .property("socket", Value::Null)
        .method("__construct(Swoole\\Coroutine\\Socket $socket, array $settings = [])", construct)
        .method("accept(float $timeout = -1): Swoosh\\Http2\\ServerStream|false", constructed::<Payload, _>(accept))
        .method(
            "openStreams(): int",
            constructed::<Payload, _>(|call: &mut Call<'_>| Ok(connection(call).open_streams())),
        )
        .method(
            "shutdown(): void",
            constructed::<Payload, _>(|call: &mut Call<'_>| {
                connection(call).shut_down();
                Ok(())
            }),
        )
        .method("close(): void", constructed::<Payload, _>(|call: &mut Call<'_>| connection(call).close()))
        .register(&CONNECTION);
}

/// Takes over a connected socket, whose TLS handshake is complete if it has TLS.
fn construct(call: &mut Call<'_>) -> PhpResult<()> {
    let Some(socket) = call.arg(0).and_then(Zval::object) else {
        return Err(argument_type_error(1, "must be of type Swoole\\Coroutine\\Socket"));
    };
    let Some(link) = link_of(socket) else {
        return Err(throw_error("the socket is not open"));
    };
    let none = Array::new();
    let settings = if call.has(1) { call.array(1)? } else { &none };
    let connection = ServerConnection::begin(link, &Http2Settings::of_server(settings))
        .map_err(|e| throw_error(&format!("HTTP/2 cannot be served here: {e}")))?;
    *call.payload::<Payload>().connection.borrow_mut() = Some(std::rc::Rc::new(connection));
    if let Some(this) = call.this() {
        // The descriptor is open as long as its object.
        this.set_slot(SOCKET, socket.clone());
    }
    Ok(())
}

fn connection(call: &Call<'_>) -> std::rc::Rc<ServerConnection> {
    let connection = call.payload::<Payload>().connection.borrow().clone();
    connection.expect("`constructed` has checked it")
}

/// The next stream; false after the end of the connection (code 0) or the timeout.
fn accept(call: &mut Call<'_>) -> PhpResult<Zval> {
    let limit = wait::limit(call.float_or(0, -1.0)?);
    let accepted = connection(call).accept(limit)?;
    let code = match accepted {
        Ok(Some(stream)) => return Ok(stream::object(stream)?.into_zval()),
        Ok(None) => 0,
        Err(code) => code,
    };
    last_error::set(code);
    if let Some(this) = call.this() {
        this.set_slot(ERR_CODE, code);
        this.set_slot(ERR_MSG, if code == 0 { String::new() } else { error_text(code) });
    }
    Ok(false.into_zval())
}

const ERR_CODE: usize = 0;
const ERR_MSG: usize = 1;
const SOCKET: usize = 2;
