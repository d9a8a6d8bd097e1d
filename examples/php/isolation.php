<?php
// Workers share no variables: each is a process of its own, with a copy of what was there before start().
// Send lines with  nc 127.0.0.1 9501  from several terminals: there is one $count for each worker.
// See multiprocess_share_data.php for ways to share data.
//
//     php -d extension=target/release/libswoosh_php.so examples/php/isolation.php [port]
//
// The port is the first argument, else the environment's SWOOSH_PORT, else 9501; 0 takes a free one.
use Swoole\Atomic;
use Swoole\Server;

$port = (int) ($argv[1] ?? $_SERVER['SWOOSH_PORT'] ?? 9501);

$count = 0;             // copied to every worker
$shared = new Atomic(); // in memory that all processes share, because it is created before start()

$server = new Server('127.0.0.1', $port, SWOOLE_PROCESS);
// Lines are dispatched to the workers in turn (mode 1), so that even one connection reaches both.
$server->set(['worker_num' => 2, 'dispatch_mode' => 1, 'open_eof_split' => true, 'package_eof' => "\n"]);

$server->on('start', function (Server $server) {
    echo "isolation server on 127.0.0.1:{$server->port}; stop it with Ctrl+C\n";
});

$server->on('receive', function (Server $server, int $fd) use (&$count, $shared) {
    $count++;
    $all = $shared->add();
    $server->send($fd, "worker {$server->worker_id} counts $count, the atomic counts $all\n");
});

$server->start();
