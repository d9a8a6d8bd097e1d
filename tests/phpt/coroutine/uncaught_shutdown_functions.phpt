--TEST--
After an uncaught exception of a coroutine that had waited, all shutdown functions run and may create coroutines
--EXTENSIONS--
swoole
--FILE--
<?php
register_shutdown_function(function () {
    echo "first\n";
    go(function () { echo "coroutine in a shutdown function\n"; });
    echo "first continues\n";
});
register_shutdown_function(function () { echo "second\n"; });
Co\run(function () {
    Co::sleep(0.001);
    throw new Exception('uncaught');
});
?>
--EXPECTF--
Fatal error: Uncaught Exception: uncaught in %s:%d
Stack trace:
#0 [internal function]: {closure%S}()
#1 {main}
  thrown in %s on line %d
first
coroutine in a shutdown function
first continues
second
