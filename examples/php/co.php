<?php
// Two waits at once: both coroutines sleep, and the program takes as long as the longer wait.
//
//     php -d extension=target/release/libswoosh_php.so examples/php/co.php
use function Swoole\Coroutine\{go, run};

$begin = microtime(true);
run(function () {
    go(function () {
        echo "first begins\n";
        Swoole\Coroutine::sleep(0.2);
        echo "first ends\n";
    });
    go(function () {
        echo "second begins\n";
        Swoole\Coroutine::sleep(0.1);
        echo "second ends\n";
    });
    echo "both wait\n";
});
echo microtime(true) - $begin < 0.29 ? "as long as the longer wait\n" : "one after the other\n";
