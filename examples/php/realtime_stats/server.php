<?php
// Live statistics: a timer in one worker sends the server's own figures to every open page.
//
//     php -d extension=target/release/libswoosh_php.so examples/php/realtime_stats/server.php [port]
use Swoole\Http\{Request, Response};
use Swoole\{Timer, WebSocket};

$port = (int) ($argv[1] ?? $_SERVER['SWOOSH_PORT'] ?? 9501);

$server = new WebSocket\Server('127.0.0.1', $port, SWOOLE_PROCESS);
$server->set(['worker_num' => 2]);

$server->on('start', function (WebSocket\Server $server) {
    echo "open http://127.0.0.1:{$server->port} and ask it for /work often, stop it with Ctrl+C\n";
});

$server->on('workerStart', function (WebSocket\Server $server, int $worker) {
    // One worker is enough: it can send to all connections.
    if ($worker === 0) {
        Timer::tick(500, fn () => show($server));
    }
});

$server->on('request', function (Request $request, Response $response) {
    $page = $request->server['request_uri'] === '/';
    $response->header('Content-Type', $page ? 'text/html; charset=utf-8' : 'text/plain');
    $response->end($page ? file_get_contents(__DIR__ . '/page.html') : "done\n");
});

$server->on('message', function () {
    // Pages send nothing.
});

$server->start();

function show(WebSocket\Server $server): void
{
    $stats = $server->stats();
    $figures = json_encode([
        'up' => time() - $stats['start_time'],
        'connections' => $stats['connection_num'],
        'requests' => $stats['request_count'],
        'sent' => $stats['total_send_bytes'],
        'idle' => "$stats[idle_worker_num] of $stats[worker_num]",
        'memory' => memory_get_usage(),
        'load' => sys_getloadavg()[0],
    ]);
    foreach ($server->connections as $fd) {
        // Includes connections that only requested the page.
        if ($server->isEstablished($fd)) {
            $server->push($fd, $figures);
        }
    }
}
