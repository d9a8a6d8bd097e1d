//! What callbacks get with `event_object`: objects that are nothing but their properties.

use swoosh::handler::{ConnectionEvent, FinishEvent, MessageEvent, PacketEvent, WorkerError};
use swoosh_zend::{ClassBuilder, ClassSlot, IntoZval, Object, PhpResult, Value, Zval};

static EVENT: ClassSlot = ClassSlot::new();
static PACKET: ClassSlot = ClassSlot::new();
static PIPE_MESSAGE: ClassSlot = ClassSlot::new();
static STATUS_INFO: ClassSlot = ClassSlot::new();
static TASK_RESULT: ClassSlot = ClassSlot::new();

/// Registers the five. The order of properties is the order of slots below.
pub fn register() {
    ClassBuilder::new("Swoole\\Server\\Event")
        .property("reactor_id", Value::Int(0))
        .property("fd", Value::Int(0))
        .property("dispatch_time", Value::Int(0))
        .property("data", Value::Null)
        .register(&EVENT);
    ClassBuilder::new("Swoole\\Server\\Packet")
        .property("server_socket", Value::Int(0))
        .property("server_port", Value::Int(0))
        .property("dispatch_time", Value::Int(0))
        .property("address", Value::Null)
        .property("port", Value::Int(0))
        .property("data", Value::Null)
        .register(&PACKET);
    ClassBuilder::new("Swoole\\Server\\PipeMessage")
        .property("source_worker_id", Value::Int(0))
        .property("worker_id", Value::Int(0))
        .property("dispatch_time", Value::Int(0))
        .property("data", Value::Null)
        .register(&PIPE_MESSAGE);
    ClassBuilder::new("Swoole\\Server\\StatusInfo")
        .property("worker_id", Value::Int(0))
        .property("worker_pid", Value::Int(0))
        .property("status", Value::Int(0))
        .property("exit_code", Value::Int(0))
        .property("signal", Value::Int(0))
        .register(&STATUS_INFO);
    ClassBuilder::new("Swoole\\Server\\TaskResult")
        .property("task_id", Value::Int(0))
        .property("task_worker_id", Value::Int(0))
        .property("dispatch_time", Value::Int(0))
        .property("data", Value::Null)
        .register(&TASK_RESULT);
}

/// What a connection's event carries.
pub fn event(of: &ConnectionEvent, data: Option<&[u8]>) -> PhpResult<Object> {
    make(&EVENT, [of.reactor_id.into(), of.session.0.into(), of.dispatch_time.into(), data.into_zval()])
}

/// A datagram.
pub fn packet(of: &PacketEvent, data: &[u8]) -> PhpResult<Object> {
    let (address, port) = (of.address.as_str().into(), of.peer_port.unwrap_or(0).into());
    make(&PACKET, [of.server_socket.into(), of.server_port.into(), of.dispatch_time.into(), address, port, data.into()])
}

/// A message of another process.
pub fn message(of: &MessageEvent, own: i64, data: Zval) -> PhpResult<Object> {
    make(&PIPE_MESSAGE, [of.source.0.into(), own.into(), of.dispatch_time.into(), data])
}

/// How a worker ended.
pub fn status(of: &WorkerError) -> PhpResult<Object> {
    make(&STATUS_INFO, [of.worker.0.into(), of.pid.into(), of.status.into(), of.exit_code.into(), of.signal.into()])
}

/// A task's result.
pub fn task_result(of: &FinishEvent, data: Zval) -> PhpResult<Object> {
    make(&TASK_RESULT, [of.task_id.into(), of.task_worker.0.into(), of.dispatch_time.into(), data])
}

fn make<const N: usize>(class: &ClassSlot, values: [Zval; N]) -> PhpResult<Object> {
    let object = Object::new(class.get())?;
    for (slot, value) in values.into_iter().enumerate() {
        object.set_slot(slot, value);
    }
    Ok(object)
}
