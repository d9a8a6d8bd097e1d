//! Hooks: PHP's own functions and streams, which in a coroutine wait without blocking the others.
//!
//! Each asks `Swoole\Runtime`'s flags and whether a coroutine runs; if not, PHP's own code goes on.

mod dns_functions;
pub mod dns_records;
mod sleep;
mod stream;

/// The module starts.
pub fn start_up() {
    dns_functions::start_up();
    sleep::start_up();
    stream::start_up();
}
