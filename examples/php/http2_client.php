<?php
// Many requests at once on one HTTP/2 connection, a download in parts, and an upload that is written bit by bit.
//
//     php -d extension=target/release/libswoosh_php.so examples/php/http2_client.php [port]
//
// The server is one of this process. With a port, that of a server on this machine is asked instead.
use Swoole\Coroutine as Co;
use Swoole\Coroutine\Http2\{Client, MultiplexClient};
use Swoole\Http\{Request as ServerRequest, Response as ServerResponse, Server};
use Swoole\Http2\Request;

function request(string $path, string $method = 'GET', bool $isOpen = false, bool $inParts = false): Request
{
    $request = new Request();
    $request->path = $path;
    $request->method = $method;
    $request->pipeline = $isOpen;
    $request->usePipelineRead = $inParts;
    return $request;
}

function clients(int $port): void
{
    // MultiplexClient connects when it is needed, and gives each coroutine the response of its own request.
    $client = new MultiplexClient('127.0.0.1', $port);
    $client->set(['timeout' => 5]);
    $begin = microtime(true);
    $answers = Co\map(range(1, 20), fn (int $n) => $client->request(request("/slow?n=$n"))->data);
    echo implode(' ', $answers), "\n";
    echo microtime(true) - $begin < 1 ? "concurrently\n" : "one after the other\n";
    $client->close();

    // Client sends and receives frames of streams: here a response is read in parts, as it arrives.
    $client = new Client('127.0.0.1', $port);
    $client->set(['timeout' => 5]);
    if (!$client->connect()) {
        echo "no connection: $client->errMsg\n";
        return;
    }
    $client->send(request('/large', inParts: true));
    $length = 0;
    do {
        $part = $client->read();
        $length += strlen($part->data ?? '');
    } while ($part && $part->pipeline);
    echo "$length bytes in parts\n";

    // A request that is written while it is sent; write() waits until the server has room.
    $stream = $client->send(request('/upload', 'POST', isOpen: true));
    foreach (range(1, 5) as $n) {
        $client->write($stream, str_repeat((string) $n, 100_000));
    }
    $client->write($stream, '', true);
    echo $client->recv()->data, "\n";
    $client->close();
}

if (isset($argv[1])) {
    Co\run(fn () => clients((int) $argv[1]));
    return;
}
$server = new Server('127.0.0.1', 0, SWOOLE_BASE);
$server->set(['open_http2_protocol' => true, 'log_level' => SWOOLE_LOG_ERROR]);
$server->on('request', function (ServerRequest $request, ServerResponse $response) {
    switch ($request->server['request_uri']) {
        case '/slow':
            Co::sleep(0.1);
            $response->end($request->get['n']);
            break;
        case '/large':
            $response->end(str_repeat('x', 1_000_000));
            break;
        case '/upload':
            $response->end(strlen($request->rawContent()) . ' bytes received');
            break;
        default:
            $response->status(404);
            $response->end();
    }
});
$server->on('workerStart', function (Server $server) {
    go(function () use ($server) {
        clients($server->port);
        $server->shutdown();
    });
});
$server->start();
