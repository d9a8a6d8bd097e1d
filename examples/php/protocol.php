<?php
// Framing: TCP does not mark the end of a message; the protocol must. Two ways, on two ports:
//   - by a separator at its end (EOF), as in text: "hello\r\n"
//   - by its length in front, as in binary protocols: four bytes of length (big-endian), then the body
// Each `receive` gets exactly one message, however the bytes arrive.
//
//     php -d extension=target/release/libswoosh_php.so examples/php/protocol.php [port]
//
// The port is the first argument, else the environment's SWOOSH_PORT, else 9501; 0 takes a free one. The second port is
// the next one, or another free one.
use Swoole\Server;

$port = (int) ($argv[1] ?? $_SERVER['SWOOSH_PORT'] ?? 9501);

$server = new Server('127.0.0.1', $port, SWOOLE_PROCESS);
$server->set(['worker_num' => 2]);

// Each port has its own settings and callbacks; missing ones are taken from the first port.
[$text] = $server->ports;
$text->set(['open_eof_split' => true, 'package_eof' => "\r\n"]);
$text->on('receive', function (Server $server, int $fd, int $reactor, string $message) {
    $body = substr($message, 0, -2); // the separator is part of the data
    $server->send($fd, strtoupper($body) . "\r\n");
});

$binary = $server->listen('127.0.0.1', $port === 0 ? 0 : $port + 1, SWOOLE_SOCK_TCP);
$binary->set([
    'open_eof_split' => false,
    'open_length_check' => true,
    'package_length_type' => 'N',  // as in pack(): 32 bits, big-endian
    'package_length_offset' => 0,  // the offset of the length field
    'package_body_offset' => 4,    // the offset from which the length counts
    'package_max_length' => 1024 * 1024, // a length beyond this closes the connection
]);
$binary->on('receive', function (Server $server, int $fd, int $reactor, string $message) {
    $body = substr($message, 4); // the length is part of the data
    $answer = strrev($body);
    $server->send($fd, pack('N', strlen($answer)) . $answer);
});

$server->on('start', function (Server $server) use ($binary) {
    echo "text protocol on 127.0.0.1:{$server->port}, binary protocol on 127.0.0.1:{$binary->port}; stop it with Ctrl+C\n";
});

$server->start();
