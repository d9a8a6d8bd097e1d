--TEST--
strict_types applies to the module's functions
--EXTENSIONS--
swoole
--FILE--
<?php
declare(strict_types=1);
try {
    Swoole\Timer::after('5', fn () => null);
} catch (TypeError $e) {
    echo $e->getMessage(), "\n";
}
?>
--EXPECT--
Swoole\Timer::after(): Argument #1 ($ms) must be of type int, string given
