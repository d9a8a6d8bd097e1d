<?php
// A WebSocket echo server for the Autobahn cases. Listens on a free port and prints it.
$server = new Swoole\WebSocket\Server('127.0.0.1', 0, SWOOLE_PROCESS);
$server->set([
    'worker_num' => 2,
    'log_level' => SWOOLE_LOG_WARNING,
    'websocket_compression' => true,
    // The longest message of the cases has 16 MiB.
    'package_max_length' => 20 << 20,
    'buffer_output_size' => 40 << 20,
    'socket_buffer_size' => 64 << 20,
]);
$server->on('message', fn ($server, $frame) => $server->push($frame->fd, $frame->data, $frame->opcode));
$server->on('start', fn ($server) => print "$server->port\n");
$server->start();
