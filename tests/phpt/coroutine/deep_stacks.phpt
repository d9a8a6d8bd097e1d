--TEST--
A coroutine can nest deeply: array_map, recursion, many frames on its own stacks
--EXTENSIONS--
swoole
--FILE--
<?php
use Swoole\Coroutine as Co;
function deep(int $n) { return $n === 0 ? Co::sleep(0.001) : array_map(fn ($x) => deep($n - 1), [1])[0]; }
function frames(int $n, ...$args) { return $n === 0 ? count($args) : frames($n - 1, ...$args) + 0; }
Co\run(function () {
    go(fn () => var_dump(deep(800)));
    go(fn () => var_dump(frames(5000, ...range(1, 50))));
    go(function () { Co::sleep(0.005); var_dump(deep(400)); });
});
?>
--EXPECT--
int(50)
bool(true)
bool(true)
