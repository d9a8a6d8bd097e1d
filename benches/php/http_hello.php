<?php
// The measured web server: base|process, hello|reading, with or without coroutines (co).
[$mode, $what, $co] = [$argv[1], $argv[2], $argv[3] ?? ''];
$server = new Swoole\Http\Server('127.0.0.1', 0, $mode === 'base' ? SWOOLE_BASE : SWOOLE_PROCESS);
$server->set(['worker_num' => 1, 'reactor_num' => 1, 'log_level' => SWOOLE_LOG_WARNING, 'enable_coroutine' => $co === 'co']);
$server->on('request', $what === 'hello' ? function ($request, $response) {
    $response->header('Content-Type', 'text/plain');
    $response->end('Hello, World!');
} : function ($request, $response) {
    $response->header('Content-Type', 'text/plain');
    $response->end($request->header['host'] . $request->get['a'] . $request->cookie['c']);
});
echo "port {$server->port}\n";
$server->start();
