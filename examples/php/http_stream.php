<?php
// A response in parts, each sent as soon as it is available, while the worker serves other requests.
//
//     php -d extension=target/release/libswoosh_php.so examples/php/http_stream.php [port]
use Swoole\Coroutine;
use Swoole\Http\{Request, Response, Server};

$port = (int) ($argv[1] ?? $_SERVER['SWOOSH_PORT'] ?? 9501);

$server = new Server('127.0.0.1', $port, SWOOLE_BASE);
$server->set(['worker_num' => 1]);

$server->on('start', function (Server $server) {
    echo "curl -N http://127.0.0.1:{$server->port}/?count=5, stop it with Ctrl+C\n";
});

$server->on('request', function (Request $request, Response $response) {
    $response->header('Content-Type', 'text/plain');
    $count = min((int) ($request->get['count'] ?? 3), 100);
    for ($n = 1; $n <= $count; $n++) {
        // False: the client has disconnected, or does not read.
        if (!$response->write("part $n of $count\n")) {
            return;
        }
        Coroutine::sleep(0.1); // only this request waits
    }
    $response->end("done\n");
});

$server->start();
