<?php
// An endless loop in a worker: its connections hang, and only force ends it. Commands, by  nc 127.0.0.1 9501:
//     wrong    loops forever in this connection's worker (one of two; odd and even connections go to different ones)
//     count    prints the iterations of the loop in its own process: the right place for one
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
    'max_wait_time' => 1, // seconds: a process that has not ended this long after shutdown began is killed
]);

$server->on('start', function (Server $server) {
    echo "while server on 127.0.0.1:{$server->port}; stop it with Ctrl+C\n";
});

// Right: a separate process, which the manager starts with the server, and restarts if it ends. Nothing waits for it.
// (For work that is due now and then, a Swoole\Timer::tick() in a worker is enough.)
$runs = new Atomic();
$server->addProcess(new Process(function () use ($runs) {
    while (true) {
        $runs->add();
        usleep(10_000);
    }
}));

$server->on('receive', function (Server $server, int $fd, int $reactor, string $line) use ($runs) {
    if (trim($line) === 'wrong') {
        echo "worker {$server->worker_id} loops forever\n";
        while (true) {
            usleep(10_000); // a pause does not help: the worker never returns to its loop for the next event
        }
    }
    $server->send($fd, "worker {$server->worker_id}: the loop has run {$runs->get()} times\n");
});

$server->start();
