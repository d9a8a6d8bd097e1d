<?php
// A channel between a producer and three consumers: consumers get items in order, a full channel blocks the producer,
// and a closed one ends the loops.
//
//     php -d extension=target/release/libswoosh_php.so examples/php/co_chan.php
use Swoole\Coroutine as Co;
use Swoole\Coroutine\Channel;

Co\run(function () {
    $jobs = new Channel(2);
    $results = new Channel(10);
    foreach (['a' => 0.1, 'b' => 0.25, 'c' => 0.45] as $name => $time) {
        go(function () use ($jobs, $results, $name, $time) {
            while (($job = $jobs->pop()) !== false) {
                Co::sleep($time);
                $results->push("$name did $job");
            }
            $results->push("$name is finished");
        });
    }
    go(function () use ($jobs) {
        for ($job = 1; $job <= 6; $job++) {
            $jobs->push($job);
            echo "job $job is queued\n";
        }
        $jobs->close();
    });
    for ($n = 0; $n < 9; $n++) {
        echo $results->pop(1), "\n";
    }
    echo 'then the channel is empty: ', var_export($results->pop(0.01), true), ', code ', $results->errCode, "\n";
});
