--TEST--
Timer arguments are coerced and refused as in PHP's own functions
--EXTENSIONS--
swoole
--FILE--
<?php
function attempt(callable $f): void
{
    swoole_clear_error();
    try {
        echo json_encode($f()), ' last error ', swoole_last_error(), "\n";
    } catch (Throwable $e) {
        echo get_class($e), ': ', $e->getMessage(), "\n";
    }
}
$none = fn () => null;
attempt(fn () => Swoole\Timer::after('abc', $none));
attempt(fn () => Swoole\Timer::after(5));
attempt(fn () => Swoole\Timer::after(5, 'no_such_function'));
attempt(fn () => Swoole\Timer::clear(1, 2));
attempt(fn () => Swoole\Timer::after(0, $none));
attempt(fn () => Swoole\Timer::after('5', $none));
attempt(fn () => Swoole\Timer::after(1e3, $none));
attempt(fn () => Swoole\Timer::clear(null));
attempt(fn () => Swoole\Timer::clearAll());
?>
--EXPECTF--
TypeError: Swoole\Timer::after(): Argument #1 ($ms) must be of type int, string given
ArgumentCountError: Swoole\Timer::after() expects at least 2 arguments, 1 given
TypeError: Swoole\Timer::after(): Argument #2 ($callback) must be a valid callback, function "no_such_function" not found or invalid function name
ArgumentCountError: Swoole\Timer::clear() expects exactly 1 argument, 2 given

Warning: Swoole\Timer::after(): %s in %s on line %d
false last error 503
1 last error 0
2 last error 0

Deprecated: Swoole\Timer::clear(): Passing null to parameter #1 ($timer_id) of type int is deprecated in %s on line %d
false last error 0
true last error 0
