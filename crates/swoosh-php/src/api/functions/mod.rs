//! The `swoole_*()` functions.

pub mod coroutine;
mod dns;
mod error;
pub mod http;
mod mime;
mod objects;
mod parse;
mod processes;
mod request_parts;
mod resolver;
mod select;
mod sockets;
mod system;
mod table;
pub mod tracer;

use super::{event, timer};
use swoosh_zend::module::Functions;

/// Adds every function to the module's table.
pub fn add(functions: &mut Functions) {
    coroutine::add(functions);
    dns::add(functions);
    error::add(functions);
    http::add(functions);
    mime::add(functions);
    objects::add(functions);
    parse::add(functions);
    processes::add(functions);
    request_parts::add(functions);
    resolver::add(functions);
    select::add(functions);
    sockets::add_all(functions);
    system::add(functions);
    table::add(functions);
    tracer::add(functions);
    functions
        .add("swoole_timer_after(int $ms, callable $callback, ...): int|false", timer::after)
        .add("swoole_timer_tick(int $ms, callable $callback, ...): int|false", timer::tick)
        .add("swoole_timer_exists(int $timer_id): bool", timer::exists)
        .add("swoole_timer_info(int $timer_id): ?array", timer::info)
        .add("swoole_timer_stats(): array", timer::stats)
        .add("swoole_timer_list(): Swoole\\Timer\\Iterator", timer::list)
        .add("swoole_timer_clear(int $timer_id): bool", timer::clear)
        .add("swoole_timer_clear_all(): bool", timer::clear_all)
        .add(
            "swoole_event_add(mixed $fd, ?callable $read_callback = null, ?callable $write_callback = null, int $events = SWOOLE_EVENT_READ): int|false",
            event::add,
        )
        .add("swoole_event_del(mixed $fd): bool", event::del)
        .add(
            "swoole_event_set(mixed $fd, ?callable $read_callback = null, ?callable $write_callback = null, int $events = 0): bool",
            event::set,
        )
        .add("swoole_event_isset(mixed $fd, int $events = SWOOLE_EVENT_READ | SWOOLE_EVENT_WRITE): bool", event::isset)
        .add("swoole_event_dispatch(): bool", event::dispatch)
        .add("swoole_event_defer(callable $callback): bool", event::defer)
        .add("swoole_event_cycle(?callable $callback, bool $before = false): bool", event::cycle)
        .add("swoole_event_write(mixed $fd, string $data): bool", event::write)
        .add("swoole_event_wait(): void", event::wait)
        .add("swoole_event_exit(): void", event::exit);
}
