<?php
// The first page: a web server.
//
//     php -d extension=target/release/libswoosh_php.so examples/php/http_server.php [port]
//
// The port is the first argument, else the environment's SWOOSH_PORT, else 9501; 0 takes a free one.
use Swoole\Http\{Request, Response, Server};

$port = (int) ($argv[1] ?? $_SERVER['SWOOSH_PORT'] ?? 9501);

$server = new Server('127.0.0.1', $port, SWOOLE_PROCESS);
$server->set(['worker_num' => 2]);

// In the master process, once the server accepts connections.
$server->on('start', function (Server $server) {
    echo "open http://127.0.0.1:{$server->port}\n";
    echo "stop it with Ctrl+C\n";
});

// In a worker process, for each request, in its own coroutine.
$server->on('request', function (Request $request, Response $response) {
    static $served = 0; // a worker outlives a request, and so do its variables
    $served++;
    $response->header('Content-Type', 'text/html; charset=utf-8');
    if ($request->server['request_uri'] !== '/') {
        $response->status(404);
        return $response->end("<h1>There is nothing here</h1>\n");
    }
    $name = htmlspecialchars($request->get['name'] ?? 'you');
    $pid = getmypid();
    $response->end("<h1>Hello from Swoosh, $name</h1>\n<p>Worker process $pid has served $served requests.</p>\n");
});

$server->start(); // returns when the server has shut down
