//! Hooks: PHP's own functions and streams, which suspend the coroutine instead of blocking the process.
//!
//! A hook acts only if its `Swoole\Runtime` flag is set and the caller may wait; otherwise PHP's own code runs.

mod autoload;
mod commands;
mod coverage;
mod curl;
mod descriptors;
mod dns_functions;
pub mod dns_records;
mod exclusive;
mod polled;
mod sleep;
mod stream;
mod system_calls;

/// Installs all hooks during module startup.
pub fn start_up() {
    autoload::start_up();
    dns_functions::start_up();
    sleep::start_up();
    stream::start_up();
    curl::start_up();
    system_calls::start_up();
    coverage::start_up();
}

/// Drops the state of hooks at the end of the request.
pub fn request_end() {
    polled::request_end();
}
