<?php
// Order of execution: a new coroutine runs at once until it first waits; then its creator continues.
//
//     php -d extension=target/release/libswoosh_php.so examples/php/co_order.php
use Swoole\Coroutine as Co;

echo "1 main\n";
go(function () {
    echo "2 first, until it waits\n";
    Co::sleep(0.01);
    echo "6 first, after its wait\n";
    go(fn () => print("7 a child of the first\n"));
    echo "8 first ends\n";
});
echo "3 main continues\n";
go(function () {
    echo "4 second, until it waits\n";
    Co::sleep(0.02);
    echo "9 second, after its wait\n";
});
echo "5 main ends; the script waits for its coroutines\n";
