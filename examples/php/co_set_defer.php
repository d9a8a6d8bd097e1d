<?php
// Three concurrent requests whose responses are collected in order: the purpose of setDefer() in old programs.
//
//     php -d extension=target/release/libswoosh_php.so examples/php/co_set_defer.php
use Swoole\Coroutine as Co;
use function Swoole\Coroutine\batch;

Co\run(function () {
    $ask = fn (string $what, float $time) => function () use ($what, $time) {
        echo "$what is asked\n";
        Co::sleep($time);
        return "$what after " . $time * 1000 . ' ms';
    };
    $begin = microtime(true);
    $answers = batch(['cache' => $ask('cache', 0.01), 'database' => $ask('database', 0.05), 'service' => $ask('service', 0.03)]);
    foreach ($answers as $name => $answer) {
        echo "$name: $answer\n";
    }
    echo microtime(true) - $begin < 0.085 ? "concurrently\n" : "one after the other\n";
});
