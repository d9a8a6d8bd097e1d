<?php
// An endless loop in a worker: its connections hang, and only force ends it. Commands, by  nc 127.0.0.1 9501:
//     wrong    loops for ever in this connection's worker (of two; connections of odd and even number go to different ones)
//     count    how often the loop in a process of its own has run: the right place for one
//
//     php -d extension=target/release/libswoosh_php.so examples/php/while.php [port]
//
// The port is the first argument, else the environment's SWOOSH_PORT, else 9501; 0 takes a free one.
use Swoole\Atomic;
use Swoole\Process;
use Swoole\Server;

$port = (int) ($argv[1] ?? $_SERVER['SWOOSH_PORT'] ?? 9501);

$server = new Server('127.0.0.1', $port, SWOOLE_PROCESS);
$server->set([
    'worker_num' => 2,
    'open_eof_split' => true,
    'package_eof' => "\n",
    'max_wait_time' => 1, // seconds: whoever does not end by itself when the server ends is killed then
]);

$server->on('start', function (Server $server) {
    echo "while server on 127.0.0.1:{$server->port}; stop it with Ctrl+C\n";
});

// Right: a process of its own, which the manager starts with the server, and again if it ends. Nobody waits for it.
// (For something to be done now and then, a Swoole\Timer::tick() in a worker is enough.)
$runs = new Atomic();
$server->addProcess(new Process(function () use ($runs) {
    while (true) {
        $runs->add();
        usleep(10_000);
    }
}));

$server->on('receive', function (Server $server, int $fd, int $reactor, string $line) use ($runs) {
    if (trim($line) === 'wrong') {
        echo "worker {$server->worker_id} loops for ever\n";
        while (true) {
            usleep(10_000); // a pause helps nobody: the worker never comes back for the next event
        }
    }
    $server->send($fd, "worker {$server->worker_id}: the loop has run {$runs->get()} times\n");
});

$server->start();
