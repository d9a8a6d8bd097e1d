<?php
// An HTTP server made of coroutines only: handlers by path prefix, a WebSocket, and two clients of it.
//
//     php -d extension=target/release/libswoosh_php.so examples/php/coroutine_http_server.php [port]
//
// The port is the first argument, else the environment's SWOOSH_PORT, else 9501; 0 takes a free one.
use Swoole\Coroutine;
use Swoole\Coroutine\Http\{Client, Server};
use Swoole\Http\{Request, Response};
use function Swoole\Coroutine\Http\get;

$port = (int) ($argv[1] ?? $_SERVER['SWOOSH_PORT'] ?? 9501);

Coroutine\run(function () use ($port) {
    $server = new Server('127.0.0.1', $port);

    // The longest matching prefix counts: /hello and /hello/you come here, everything else goes to '/'.
    $server->handle('/hello', function (Request $request, Response $response) {
        $response->header('Content-Type', 'text/plain');
        $response->end('hello, ' . ($request->get['name'] ?? 'stranger') . "\n");
    });
    $server->handle('/slow', function (Request $request, Response $response) {
        Coroutine::sleep(0.1); // other requests do not wait meanwhile
        $response->end("slow\n");
    });
    $server->handle('/echo', function (Request $request, Response $response) {
        if (!$response->upgrade()) {
            $response->end("this path speaks WebSocket\n");
            return;
        }
        while ($frame = $response->recv()) {
            $response->push("you said $frame->data");
        }
    });
    $server->handle('/stop', function (Request $request, Response $response) use ($server) {
        $response->end("bye\n");
        $server->shutdown();
    });
    $server->handle('/', function (Request $request, Response $response) {
        $response->status(404);
        $response->end("nothing is here\n");
    });

    // Ctrl+C and SIGTERM shut it down in order.
    foreach ([SIGINT, SIGTERM] as $signal) {
        Swoole\Process::signal($signal, fn () => $server->shutdown());
    }
    go(function () use ($server) {
        echo "coroutine http server on 127.0.0.1:{$server->port}; stop it with Ctrl+C, or by /stop\n";
        $server->start();
        echo "the server has ended\n";
        foreach ([SIGINT, SIGTERM] as $signal) {
            Swoole\Process::signal($signal, null);
        }
    });

    // A client in the same process: ten requests at once take as long as one.
    $from = microtime(true);
    $url = "http://127.0.0.1:{$server->port}";
    $answers = Coroutine\map(range(1, 10), fn (int $n) => get("$url/slow")->getBody());
    echo count(array_keys($answers, "slow\n")), ' slow answers, in less than two waits: ', microtime(true) - $from < 0.2 ? 'yes' : 'no', "\n";
    $client = new Client('127.0.0.1', $server->port);
    $client->upgrade('/echo');
    $client->push('something');
    echo $client->recv()->data, "\n";
    $client->close();
});
