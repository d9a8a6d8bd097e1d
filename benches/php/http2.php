<?php
// The measured server for HTTP/2: base|process. `/` answers a greeting, `/download` 1 GB.
$server = new Swoole\Http\Server('127.0.0.1', 0, $argv[1] === 'base' ? SWOOLE_BASE : SWOOLE_PROCESS);
$server->set([
    'worker_num' => 1,
    'reactor_num' => 1,
    'open_http2_protocol' => true,
    'package_max_length' => 200 << 20,
    'log_level' => SWOOLE_LOG_WARNING,
]);
$server->on('request', function ($request, $response) {
    $response->header('Content-Type', 'text/plain');
    switch ($request->server['path_info']) {
        case '/download':
            $piece = str_repeat('x', 64 << 10);
            for ($i = 0; $i < 16 << 10; $i++) {
                $response->write($piece);
            }
            $response->end();
            break;
        default:
            $response->end('Hello, World!');
    }
});
echo "port {$server->port}\n";
$server->start();
