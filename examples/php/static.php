<?php
// Static files: they are served without a callback; the callback gets all other requests.
//
//     php -d extension=target/release/libswoosh_php.so examples/php/static.php [port [folder]]
use Swoole\Http\{Request, Response, Server};

$port = (int) ($argv[1] ?? $_SERVER['SWOOSH_PORT'] ?? 9501);

$server = new Server('127.0.0.1', $port, SWOOLE_PROCESS);
$server->set([
    'worker_num' => 2,
    'enable_static_handler' => true,
    'document_root' => realpath($argv[2] ?? dirname(__DIR__, 2) . '/docs'),
    'http_index_files' => ['index.html'],
    'http_autoindex' => true, // lists a folder without an index file
]);

$server->on('start', function (Server $server) {
    echo "open http://127.0.0.1:{$server->port}, stop it with Ctrl+C\n";
});

$server->on('request', function (Request $request, Response $response) {
    $response->status(404);
    $response->end('There is no ' . htmlspecialchars($request->server['path_info']) . "\n");
});

$server->start();
