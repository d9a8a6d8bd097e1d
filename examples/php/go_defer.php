<?php
// What is deferred runs when its coroutine ends, the last first, also when an exception ends it.
//
//     php -d extension=target/release/libswoosh_php.so examples/php/go_defer.php
use Swoole\Coroutine as Co;

Co\run(function () {
    go(function () {
        defer(fn () => print("closes the file\n"));
        echo "opens a file\n";
        defer(fn () => print("gives up the lock\n"));
        echo "takes a lock\n";
        Co::sleep(0.01);
        echo "works\n";
    });
    go(function () {
        defer(fn () => print("cleans up\n"));
        try {
            throw new RuntimeException('went wrong');
        } catch (RuntimeException $e) {
            echo $e->getMessage(), "\n";
        }
    });
});
