<?php
// The measured TLS echo server: one worker, one reactor thread.
$mode = $argv[1] === 'base' ? SWOOLE_BASE : SWOOLE_PROCESS;
$server = new Swoole\Server('127.0.0.1', 0, $mode, SWOOLE_SOCK_TCP | SWOOLE_SSL);
$server->set([
    'worker_num' => 1,
    'reactor_num' => 1,
    'log_level' => SWOOLE_LOG_WARNING,
    'ssl_cert_file' => "$argv[2]/cert.pem",
    'ssl_key_file' => "$argv[2]/key.pem",
]);
$server->on('receive', function (Swoole\Server $server, int $fd, int $reactor, string $data) {
    $server->send($fd, $data);
});
echo "port {$server->port}\n";
$server->start();
