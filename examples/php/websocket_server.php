<?php
// A chat: every browser gets the messages of all others. HTTP and WebSocket on one port.
//
//     php -d extension=target/release/libswoosh_php.so examples/php/websocket_server.php [port]
use Swoole\Http\{Request, Response};
use Swoole\WebSocket\{Frame, Server};

$port = (int) ($argv[1] ?? $_SERVER['SWOOSH_PORT'] ?? 9501);

$server = new Server('127.0.0.1', $port, SWOOLE_PROCESS);
$server->set(['worker_num' => 2]);

$server->on('start', function (Server $server) {
    echo "open http://127.0.0.1:{$server->port} in two windows, stop it with Ctrl+C\n";
});

// A browser requests the page, which then opens a WebSocket.
$server->on('request', function (Request $request, Response $response) {
    $response->header('Content-Type', 'text/html; charset=utf-8');
    $response->end(file_get_contents(__DIR__ . '/websocket.html'));
});

$server->on('open', function (Server $server, Request $request) {
    broadcast($server, "visitor $request->fd is here");
});

$server->on('message', function (Server $server, Frame $frame) {
    broadcast($server, "visitor $frame->fd: $frame->data");
});

// Connections that only requested the page close too, but were not visitors.
$server->on('close', function (Server $server, int $fd) {
    if (isset($server->getClientInfo($fd)['websocket_status'])) {
        broadcast($server, "visitor $fd is gone");
    }
});

$server->start();

function broadcast(Server $server, string $text): void
{
    foreach ($server->connections as $fd) {
        // Includes connections that only requested the page.
        if ($server->isEstablished($fd)) {
            $server->push($fd, $text);
        }
    }
}
