<?php
// Random numbers and fork: a program that draws a number before start() gives all workers a generator in one state, so
// they all draw equal numbers. Send a line with  nc 127.0.0.1 9501  to see the numbers of each worker.
//
//     php -d extension=target/release/libswoosh_php.so examples/php/rand.php [port]
//
// The port is the first argument, else the environment's SWOOSH_PORT, else 9501; 0 takes a free one.
use Swoole\Server;

$port = (int) ($argv[1] ?? $_SERVER['SWOOSH_PORT'] ?? 9501);

mt_rand(); // this seeds the generator, in the process that the workers are forked from

$server = new Server('127.0.0.1', $port, SWOOLE_PROCESS);
// Lines are dispatched to the workers in turn (mode 1), so that one connection reaches all of them.
$server->set(['worker_num' => 3, 'dispatch_mode' => 1, 'open_eof_split' => true, 'package_eof' => "\n"]);

$server->on('start', function (Server $server) {
    echo "rand server on 127.0.0.1:{$server->port}; stop it with Ctrl+C\n";
});

$drawn = [];
$server->on('workerStart', function (Server $server, int $id) use (&$drawn) {
    $drawn['inherited'] = mt_rand(); // equal in every worker
    mt_srand();                      // right: a separate seed for every worker
    $drawn['seeded'] = mt_rand();
    $drawn['random_int'] = random_int(0, mt_getrandmax()); // always right: drawn by the kernel
});

$server->on('receive', function (Server $server, int $fd) use (&$drawn) {
    $server->send($fd, json_encode(['worker' => $server->worker_id] + $drawn) . "\n");
});

$server->start();
