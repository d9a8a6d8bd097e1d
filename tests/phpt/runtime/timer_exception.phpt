--TEST--
An exception thrown by a timer's callback is fatal: nothing runs after it
--EXTENSIONS--
swoole
--FILE--
<?php
register_shutdown_function(fn () => print("\nshutdown function\n"));
Swoole\Timer::after(1, fn () => throw new RuntimeException('out of a timer'));
Swoole\Timer::after(2, fn () => print("never\n"));
try {
    Swoole\Event::wait();
} catch (Throwable) {
    echo "never\n";
}
echo "never\n";
?>
--EXPECTF--
Fatal error: Uncaught RuntimeException: out of a timer in %s:%d
Stack trace:
#0 [internal function]: {closure%S}()
#1 {main}
  thrown in %s on line %d

shutdown function
