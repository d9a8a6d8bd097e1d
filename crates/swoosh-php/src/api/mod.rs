//! The PHP API: one module for each class or function group. It parses arguments and calls the layers below.

pub mod atomic;
pub mod channel;
pub mod connection_iterator;
pub mod constants;
pub mod coroutine;
pub mod coroutine_client;
pub mod coroutine_http_server;
pub mod coroutine_server;
pub mod error_text;
pub mod event;
pub mod exception;
pub mod functions;
pub mod http_client;
pub mod http_cookie;
pub mod http_request;
pub mod http_response;
pub mod http_server;
pub mod lock;
pub mod name_resolver;
pub mod process;
pub mod process_manager;
pub mod process_pool;
pub mod redis_server;
pub mod runtime;
pub mod scheduler;
pub mod server;
pub mod server_methods;
pub mod server_object;
pub mod server_port;
pub mod server_task;
pub mod server_values;
pub mod shared_memory;
pub mod socket;
pub mod synchronization;
pub mod system;
pub mod table;
pub mod timer;

pub mod websocket;

/// Registers every class, parents first. `short_names`: with the `Co` aliases.
pub fn register(short_names: bool) {
    exception::register();
    coroutine::register(short_names);
    channel::register(short_names);
    scheduler::register(short_names);
    socket::register(short_names);
    coroutine_client::register(short_names);
    coroutine_server::register(short_names);
    system::register(short_names);
    synchronization::register(short_names);
    runtime::register();
    timer::register();
    event::register();
    atomic::register();
    lock::register();
    table::register();
    process::register();
    process_pool::register();
    process_manager::register();
    connection_iterator::register();
    server_values::register();
    server_task::register();
    server_port::register();
    server::register();
    redis_server::register();
    http_server::register();
    http_cookie::register();
    http_request::register();
    http_response::register();
    websocket::register();
    http_client::register(short_names);
    coroutine_http_server::register(short_names);
    functions::http::register();
    name_resolver::register();
}
