//! The functions about coroutines, with their short names where those are wanted.

use crate::api::coroutine::{batch, create, deadlock_check, defer, map, parallel, run};
use swoosh_zend::module::Functions;

/// Adds the functions of this file.
pub fn add(functions: &mut Functions) {
    functions
        .add("swoole_coroutine_create(callable $func, mixed ...$params): int|false", create)
        .add("swoole_coroutine_defer(callable $callback): void", defer)
        .add("Swoole\\Coroutine\\run(callable $fn, mixed ...$args): bool", run)
        .add("Swoole\\Coroutine\\go(callable $fn, mixed ...$args): int|false", create)
        .add("Swoole\\Coroutine\\defer(callable $fn): void", defer)
        .add("Swoole\\Coroutine\\batch(array $tasks, float $timeout = -1.0): array", batch)
        .add("Swoole\\Coroutine\\parallel(int $n, callable $fn): void", parallel)
        .add("Swoole\\Coroutine\\map(array $list, callable $fn, float $timeout = -1.0): array", map)
        .add("Swoole\\Coroutine\\deadlock_check(): void", deadlock_check);
}

/// The short names.
pub fn short_names() -> Functions {
    let mut functions = Functions::default();
    functions
        .add("go(callable $func, ...): int|false", create)
        .add("defer(callable $callback): void", defer)
        .add("Co\\run(callable $fn, mixed ...$args): bool", run)
        .add("Co\\go(callable $fn, mixed ...$args): int|false", create)
        .add("Co\\defer(callable $fn): void", defer);
    functions
}
