//! The classes, one file each.

pub mod atomic;
pub mod connection_iterator;
pub mod event;
pub mod exception;
pub mod lock;
pub mod process;
pub mod server;
pub mod server_calls;
pub mod server_port;
pub mod server_task;
pub mod server_values;
pub mod table;
pub mod timer;

/// Registers every class; a class comes after those it comes from.
pub fn register() {
    exception::register();
    timer::register();
    event::register();
    atomic::register();
    lock::register();
    table::register();
    process::register();
    connection_iterator::register();
    server_values::register();
    server_task::register();
    server_port::register();
    server::register();
}
