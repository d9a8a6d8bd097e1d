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
        return $response->end(page('There is nothing here', '<p><a href="/">The first page</a></p>'));
    }
    $name = htmlspecialchars($request->get['name'] ?? 'you');
    $pid = getmypid();
    $response->end(page("Hello from Swoosh, $name", "<p>Requests that worker process $pid has served: $served</p>"));
});

$server->start(); // returns when the server has shut down

/** A page. Both arguments are HTML. */
function page(string $title, string $body): string
{
    return <<<HTML
        <!doctype html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <title>$title</title>
        <style>
        body { font: 1.1rem/1.5 system-ui, sans-serif; max-width: 40rem; margin: 3rem auto; padding: 0 1rem; color: #1d2733; overflow-wrap: anywhere }
        h1 { color: #2f5f9e; line-height: 1.2 }
        </style>
        </head>
        <body>
        <h1>$title</h1>
        $body
        </body>
        </html>

        HTML;
}
