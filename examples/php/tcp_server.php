<?php
// A TCP server: the three events of a connection. Connect with  nc 127.0.0.1 9501  or with tcp_client_socket.php.
//
//     php -d extension=target/release/libswoosh_php.so examples/php/tcp_server.php [port]
//
// The port is the first argument, else the environment's SWOOSH_PORT, else 9501; 0 takes a free one.
use Swoole\Server;

$port = (int) ($argv[1] ?? $_SERVER['SWOOSH_PORT'] ?? 9501);

$server = new Server('127.0.0.1', $port, SWOOLE_PROCESS);
$server->set([
    'worker_num' => 2,
    // TCP is a stream of bytes without message boundaries. These two settings make a packet of each line of text.
    'open_eof_split' => true,
    'package_eof' => "\n",
]);

$server->on('start', function (Server $server) {
    echo "tcp server on 127.0.0.1:{$server->port}; stop it with Ctrl+C\n";
});

// $fd is the connection's id: 1, 2, 3... An id is never used for another connection.
$server->on('connect', function (Server $server, int $fd) {
    echo "connection $fd is open\n";
    $server->send($fd, "hello, connection $fd\n");
});

$server->on('receive', function (Server $server, int $fd, int $reactor, string $line) {
    echo "connection $fd says " . trim($line) . "\n"; // one string: parts might mix with other processes' output
    $server->send($fd, 'you said ' . $line);
});

$server->on('close', function (Server $server, int $fd) {
    echo "connection $fd is closed\n";
});

$server->start();
