<?php
// The measured echo server: one worker, one reactor thread.
$server = new Swoole\Server('127.0.0.1', 0, $argv[1] === 'base' ? SWOOLE_BASE : SWOOLE_PROCESS);
$server->set(['worker_num' => 1, 'reactor_num' => 1, 'log_level' => SWOOLE_LOG_WARNING]);
$server->on('receive', function (Swoole\Server $server, int $fd, int $reactor, string $data) {
    $server->send($fd, $data);
});
echo "port {$server->port}\n";
$server->start();
