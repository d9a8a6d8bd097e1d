//! Value objects passed to callbacks with `event_object`.

use swoosh::handler::{ConnectionEvent, FinishEvent, MessageEvent, PacketEvent, WorkerError};
use swoosh_zend::{ClassSlot, IntoZval, Object, PhpResult, Zval};

/// `Swoole\Server\Event`.
pub static EVENT: ClassSlot = ClassSlot::new();
/// `Swoole\Server\Packet`.
pub static PACKET: ClassSlot = ClassSlot::new();
/// `Swoole\Server\PipeMessage`.
pub static PIPE_MESSAGE: ClassSlot = ClassSlot::new();
/// `Swoole\Server\StatusInfo`.
pub static STATUS_INFO: ClassSlot = ClassSlot::new();
/// `Swoole\Server\TaskResult`.
pub static TASK_RESULT: ClassSlot = ClassSlot::new();

/// The event of a connection, with the received data of `receive`.
pub fn event(of: &ConnectionEvent, data: Option<&[u8]>) -> PhpResult<Object> {
    make(&EVENT, [of.reactor_id.into(), of.session.0.into(), of.dispatch_time.into(), data.into_zval()])
}

/// A datagram.
pub fn packet(of: &PacketEvent, data: &[u8]) -> PhpResult<Object> {
    let (address, port) = (of.address.as_str().into(), of.peer_port.unwrap_or(0).into());
    make(&PACKET, [of.server_socket.into(), of.server_port.into(), of.dispatch_time.into(), address, port, data.into()])
}

/// A message from another process.
pub fn message(of: &MessageEvent, own: i64, data: Zval) -> PhpResult<Object> {
    make(&PIPE_MESSAGE, [of.source.0.into(), own.into(), of.dispatch_time.into(), data])
}

/// The exit status of a worker.
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
