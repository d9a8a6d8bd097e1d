<?php
// Server-Sent Events: a page that shows them, heartbeats, and clients that reconnect.
//
//     php -d extension=target/release/libswoosh_php.so examples/php/sse.php [port [heartbeat]]
use Swoole\Coroutine\Channel;
use Swoole\Http\{Request, Response, Server};
use Swoole\Timer;

$port = (int) ($argv[1] ?? $_SERVER['SWOOSH_PORT'] ?? 9501);
/** Seconds without an event after which a comment is sent, which also shows whether the client is still there. */
$heartbeat = (float) ($argv[2] ?? 15);

$server = new Server('127.0.0.1', $port, SWOOLE_PROCESS);
$server->set(['worker_num' => 1, 'open_http2_protocol' => true]);

/** One event; the id is what a client that reconnects sends as Last-Event-ID. */
function event(string $data, string $type, int $id): string
{
    return "event: $type\nid: $id\ndata: " . implode("\ndata: ", preg_split('/\r\n|\r|\n/', $data)) . "\n\n";
}

$server->on('start', function (Server $server) {
    echo "open http://127.0.0.1:{$server->port}/ in a browser, or curl -N http://127.0.0.1:{$server->port}/events; stop it with Ctrl+C\n";
});

/** The channels of the clients of this worker. */
$clients = new ArrayObject();
/** The last events, for clients that were away for a moment. */
$recent = [];

$server->on('workerStart', function () use ($clients, &$recent) {
    Timer::tick(120, function () use ($clients, &$recent) {
        static $id = 0;
        $recent[++$id] = event("tick $id", 'tick', $id);
        unset($recent[$id - 100]);
        foreach ($clients as $channel) {
            // A client that does not read misses events instead of filling the memory.
            $channel->isFull() || $channel->push($recent[$id]);
        }
    });
});

$server->on('request', function (Request $request, Response $response) use ($clients, &$recent, $heartbeat) {
    if ($request->server['request_uri'] !== '/events') {
        $response->header('Content-Type', 'text/html; charset=utf-8');
        $response->end(file_get_contents(__DIR__ . '/sse.html'));
        return;
    }
    $response->header('Content-Type', 'text/event-stream');
    $response->header('Cache-Control', 'no-cache');
    $last = (int) ($request->header['last-event-id'] ?? PHP_INT_MAX);
    $channel = new Channel(100);
    $key = spl_object_id($channel);
    $clients[$key] = $channel;
    $missed = array_filter($recent, fn (int $id) => $id > $last, ARRAY_FILTER_USE_KEY);
    $part = ":\n\n" . implode($missed);
    // False: the client has left. A heartbeat shows that when there are no events.
    while ($response->write($part)) {
        $part = $channel->pop($heartbeat) ?: ":\n\n";
    }
    unset($clients[$key]);
    echo 'a client has left, ', count($clients), " are there\n";
});

$server->start();
