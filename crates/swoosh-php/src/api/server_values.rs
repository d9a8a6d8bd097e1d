//! Classes of the value objects passed to callbacks with `event_object`.

use crate::server::event_objects::{EVENT, PACKET, PIPE_MESSAGE, STATUS_INFO, TASK_RESULT};
use swoosh_zend::{ClassBuilder, Value};

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
