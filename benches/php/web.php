<?php
// The measured HTTP and WebSocket servers: base|process, and the folder of files.
[$mode, $folder] = [$argv[1], $argv[2] ?? '/tmp'];
$server = new Swoole\WebSocket\Server('127.0.0.1', 0, $mode === 'base' ? SWOOLE_BASE : SWOOLE_PROCESS);
$server->set([
    'worker_num' => 1, 'reactor_num' => 1, 'log_level' => SWOOLE_LOG_WARNING, 'package_max_length' => 64 << 20,
    'max_conn' => 20000, 'document_root' => $folder, 'enable_static_handler' => true, 'websocket_compression' => false,
    'enable_coroutine' => false,
]);
$server->on('request', fn ($request, $response) => $response->end('done'));
$server->on('message', function ($server, $frame) {
    if (strlen($frame->data) < 1000) {
        return $server->push($frame->fd, $frame->data);
    }
    // A long message is broadcast.
    foreach ($server->connections as $fd) {
        $server->isEstablished($fd) && $server->push($fd, $frame->data);
    }
});
echo "port {$server->port}\n";
$server->start();
