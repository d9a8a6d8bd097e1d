<?php
// Task round trips: $argv[1] tasks of 100 bytes in flight between one worker and one task worker. Prints round trips per second.
$server = new Swoole\Server('127.0.0.1', 0, SWOOLE_PROCESS);
$server->set(['worker_num' => 1, 'reactor_num' => 1, 'task_worker_num' => 1, 'log_level' => SWOOLE_LOG_WARNING]);
$server->on('receive', fn () => null);
$server->on('workerStart', function ($server, $id) use ($argv) {
    global $begin, $count;
    // Two cores, like the reference: on one, a round trip would be one switch without waking another core.
    exec("taskset -cp $id " . getmypid());
    if ($id === 0) {
        $begin = microtime(true);
        $count = 0;
        for ($n = 0; $n < $argv[1]; $n++) {
            $server->task(str_repeat('t', 100));
        }
    }
});
$server->on('task', fn ($server, $id, $from, $data) => $data);
$server->on('finish', function ($server, $id, $data) {
    global $begin, $count;
    $took = microtime(true) - $begin;
    $count++;
    if ($took < 1.5) {
        $server->task($data);
    } elseif ($begin > 0) {
        echo 'rounds ', $count / $took, "\n";
        $begin = -1e9;
        $server->shutdown();
    }
});
$server->start();
