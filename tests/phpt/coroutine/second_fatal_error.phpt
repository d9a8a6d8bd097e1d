--TEST--
A fatal error in a coroutine of a shutdown function ends that function's other coroutines; later shutdown functions still run
--EXTENSIONS--
swoole
--FILE--
<?php
register_shutdown_function(function () {
    echo "first\n";
    Swoole\Timer::after(20, fn () => print("a timer goes on\n"));
    go(function () { Co::sleep(0.001); echo "second error\n"; second_error(); });
    go(function () { Co::sleep(0.02); echo "a coroutine goes on\n"; third_error(); });
    register_shutdown_function(function () {
        echo "second\n";
        go(function () { Co::sleep(0.05); echo "fourth error\n"; fourth_error(); });
        go(function () { Co::sleep(1); echo "a coroutine goes on\n"; });
        go(function () { Co::sleep(0.001); register_shutdown_function(function () {
            echo "third\n";
            go(function () { Co::sleep(0.001); echo "the last coroutine ends\n"; });
        }); });
    });
});
first_error();
?>
--EXPECTF--
Fatal error: Uncaught Error: Call to undefined function first_error() in %s:%d
Stack trace:
#0 {main}
  thrown in %s on line %d
first
second error

Fatal error: Uncaught Error: Call to undefined function second_error() in %s:%d
Stack trace:
#0 [internal function]: {closure%S}()
#1 {main}
  thrown in %s on line %d
second
fourth error

Fatal error: Uncaught Error: Call to undefined function fourth_error() in %s:%d
Stack trace:
#0 [internal function]: {closure%S}()
#1 {main}
  thrown in %s on line %d
third
the last coroutine ends
