<?php
// A UDP server: there are no connections; each datagram is one `packet` event with its sender's address.
// Send to it with  nc -u 127.0.0.1 9501  or with udp_client.php.
//
//     php -d extension=target/release/libswoosh_php.so examples/php/udp_server.php [port]
//
// The port is the first argument, else the environment's SWOOSH_PORT, else 9501; 0 takes a free one.
use Swoole\Server;

$port = (int) ($argv[1] ?? $_SERVER['SWOOSH_PORT'] ?? 9501);

$server = new Server('127.0.0.1', $port, SWOOLE_PROCESS, SWOOLE_SOCK_UDP);
$server->set(['worker_num' => 2]);

$server->on('start', function (Server $server) {
    echo "udp server on 127.0.0.1:{$server->port}; stop it with Ctrl+C\n";
});

$server->on('packet', function (Server $server, string $data, array $client) {
    echo strlen($data) . " bytes from {$client['address']}:{$client['port']}\n";
    // The last argument sends it from the socket that received the datagram.
    $server->sendto($client['address'], $client['port'], strrev(trim($data)), $client['server_socket']);
});

$server->start();
