<?php
// Shell commands that do not block other coroutines.
//
//     php -d extension=target/release/libswoosh_php.so examples/php/coroutine_exec.php
use Swoole\Coroutine as Co;
use Swoole\Coroutine\System;

Co\run(function () {
    $ticks = 0;
    $ticker = go(function () use (&$ticks) {
        while (Co::sleep(0.005)) {
            $ticks++;
        }
    });
    [$quick, $slow] = Swoole\Coroutine\batch([
        fn () => System::exec('echo quick'),
        fn () => System::exec('sleep 0.1; echo slow; exit 3'),
    ]);
    echo trim($quick['output']), ' ended with ', $quick['code'], "\n";
    echo trim($slow['output']), ' ended with ', $slow['code'], "\n";
    echo $ticks > 0 ? "meanwhile another coroutine ran\n" : "nothing else ran\n";
    Co::cancel($ticker);
});
