<?php
// A WaitGroup: continue when all coroutines are done, or after a timeout.
//
//     php -d extension=target/release/libswoosh_php.so examples/php/go_wait_group.php
use Swoole\Coroutine as Co;
use Swoole\Coroutine\WaitGroup;

Co\run(function () {
    $group = new WaitGroup();
    $results = [];
    foreach (['slow' => 0.5, 'quick' => 0.01, 'medium' => 0.3] as $name => $time) {
        $group->add();
        go(function () use ($group, $name, $time, &$results) {
            Co::sleep($time);
            $results[] = $name;
            $group->done();
        });
    }
    echo 'in time: ', var_export($group->wait(0.1), true), ', so far ', implode(', ', $results), "\n";
    echo 'in time: ', var_export($group->wait(), true), ', now ', implode(', ', $results), "\n";
});
