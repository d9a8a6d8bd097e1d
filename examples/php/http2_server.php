<?php
// HTTP/2, HTTP/1.1 and WebSocket on one port, with the same callbacks: trailers, early hints, a stream of parts.
//
//     php -d extension=target/release/libswoosh_php.so examples/php/http2_server.php [port]
use Swoole\Coroutine;
use Swoole\Http\{Request, Response};
use Swoole\WebSocket\{Frame, Server};

$port = (int) ($argv[1] ?? $_SERVER['SWOOSH_PORT'] ?? 9501);

$server = new Server('127.0.0.1', $port, SWOOLE_PROCESS);
$server->set(['worker_num' => 2, 'open_http2_protocol' => true, 'http2_max_concurrent_streams' => 500]);

$server->on('start', function (Server $server) {
    echo "curl --http2-prior-knowledge http://127.0.0.1:{$server->port}/count, stop it with Ctrl+C\n";
});

$server->on('request', function (Request $request, Response $response) {
    $response->header('Content-Type', 'text/plain');
    switch ($request->server['request_uri']) {
        case '/count': // a line at a time, and the sum behind the body
            $response->earlyHints(['Link' => '</style.css>; rel=preload; as=style']);
            for ($n = 1, $sum = 0; $n <= 5; $sum += $n++) {
                if (!$response->write("$n\n")) {
                    return; // the client has reset the stream
                }
                Coroutine::sleep(0.05); // other streams of the connection go on
            }
            $response->trailer('sum', (string) $sum);
            $response->end();
            break;
        case '/goodbye': // the connection ends behind its open streams
            $response->goaway(SWOOLE_HTTP2_ERROR_NO_ERROR, 'come again');
            $response->end("goodbye\n");
            break;
        default:
            $response->end("{$request->server['server_protocol']} stream $request->streamId\n");
    }
});

$server->on('message', function (Server $server, Frame $frame) {
    $server->push($frame->fd, "you said: $frame->data");
});

$server->start();
