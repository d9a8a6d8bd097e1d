<?php
// Deferred functions run when their coroutine ends, the last one first, also if an exception ends it.
//
//     php -d extension=target/release/libswoosh_php.so examples/php/go_defer.php
use Swoole\Coroutine as Co;

Co\run(function () {
    go(function () {
        defer(fn () => print("closes the file\n"));
        echo "opens a file\n";
        defer(fn () => print("releases the lock\n"));
        echo "acquires a lock\n";
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
