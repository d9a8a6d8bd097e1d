--TEST--
Swoole\Coroutine\Http\Server supports patterns, responses from other coroutines, abandoned requests, WebSocket and shutdown
--EXTENSIONS--
swoole
pcntl
posix
--FILE--
<?php
use Swoole\Coroutine as Co;
use Swoole\Coroutine\Http\{Client, Server};
Swoole\Coroutine::set(["log_level" => SWOOLE_LOG_NONE]);
function raw(int $port, string $bytes): string
{
    $s = new Co\Socket(AF_INET, SOCK_STREAM);
    $s->connect('127.0.0.1', $port);
    $s->sendAll($bytes);
    for ($all = ''; ($part = $s->recv(65536, 5)) !== '' && $part !== false; $all .= $part);
    return preg_replace('/^(Date|Server): .*\r\n/m', '', $all);
}
Co\run(function () {
    $server = new Server('127.0.0.1', 0);
    var_dump($server->set(['http_compression' => true, 'package_max_length' => 5000]));
    $server->handle('/', fn ($request, $response) => $response->end('root ' . $request->rawContent()));
    $server->handle('/a', fn ($request, $response) => $response->end('a'));
    $server->handle('/a/b', fn ($request, $response) => $response->end('a/b'));
    $server->handle('/forgot', function ($request, $response) {});
    $server->handle('/later', function ($request, $response) {
        go(function () use ($response) {
            Co::sleep(0.02);
            $response->write('la');
            Co::sleep(0.02);
            $response->end('ter');
        });
    });
    $server->handle('/dropped', function ($request, $response) {
        go(function () use ($response) {
            Co::sleep(0.02);
        });
    });
    $server->handle('/echo', function ($request, $response) {
        $before = $response->isWritable();
        if (!@$response->upgrade()) return $response->end('no WebSocket');
        while (is_object($frame = $response->recv())) {
            if ($frame->data === 'bye') { $response->disconnect(4000, 'so'); break; }
            $response->push(strtoupper($frame->data), $frame->opcode);
        }
    });
    $server->handle('/file', fn ($request, $response) => $response->sendfile(__FILE__, 0, 5));
    $ended = new Co\Channel(1);
    go(function () use ($server, $ended) { $ended->push($server->start()); });
    // Requests of one connection in order, each complete before the next.
    echo raw($server->port, "GET /later HTTP/1.1\r\nHost: x\r\n\r\nGET /a/b/c HTTP/1.1\r\nHost: x\r\n\r\nPOST /x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n3\r\nabc\r\n0\r\n\r\n"), "\n";
    foreach (['GET /forgot HTTP/1.1', 'GET /dropped HTTP/1.1', 'GET /echo HTTP/1.1', 'GET /file HTTP/1.1', 'HEAD /a HTTP/1.1', 'GET /a HTTP/1.0'] as $line) {
        echo $line, ': ', json_encode(raw($server->port, "$line\r\nHost: x\r\nConnection: close\r\n\r\n"), JSON_UNESCAPED_SLASHES), "\n";
    }
    foreach (['too long' => "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 6000\r\n\r\n", 'two lengths' => "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx", 'no method' => "nonsense\r\n\r\n", 'continue' => "POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 1\r\nConnection: close\r\n\r\n"] as $name => $bytes) {
        $s = new Co\Socket(AF_INET, SOCK_STREAM);
        $s->connect('127.0.0.1', $server->port);
        $s->sendAll($bytes);
        echo "$name: ", strtok($s->recv(65536, 5), "\r"), "\n";
        $s->close();
    }
    // WebSocket, compressed and not.
    foreach ([false, true] as $packs) {
        $own = new Server('127.0.0.1', 0);
        $own->set(['websocket_compression' => true]);
        $own->handle('/echo', function ($request, $response) {
            $response->upgrade();
            while (is_object($frame = $response->recv())) {
                if ($frame->data === 'bye') { var_dump($response->disconnect(4000, 'so'), $response->push('x')); break; }
                $response->push(strtoupper($frame->data), $frame->opcode);
            }
        });
        go(fn () => $own->start());
        $client = new Client('127.0.0.1', $own->port);
        $client->set(['websocket_compression' => $packs, 'open_websocket_close_frame' => true]);
        var_dump($client->upgrade('/echo'), $client->headers['sec-websocket-extensions'] ?? null);
        foreach (['one', str_repeat('long ', 5000)] as $text) {
            $client->push($text);
            $frame = $client->recv();
            var_dump($frame->data === strtoupper($text), $frame->flags);
        }
        $client->push('bin' . "\0\xff", WEBSOCKET_OPCODE_BINARY);
        var_dump(bin2hex($client->recv()->data));
        $client->push('bye');
        $close = $client->recv();
        var_dump($close::class, $close->code, $close->reason, $client->connected);
        $own->shutdown();
    }
    // Idle connections do not delay the server's shutdown.
    $idle = new Client('127.0.0.1', $server->port);
    var_dump($idle->get('/a'), $idle->connected);
    $server->shutdown();
    var_dump($ended->pop(5));
    $again = new Client('127.0.0.1', $server->port);
    var_dump($again->get('/'), $again->errCode === SOCKET_ECONNREFUSED);
});
// Several processes on one port.
$first = null;
Co\run(function () use (&$first) {
    $first = new Server('127.0.0.1', 0, false, true);
    $second = new Server('127.0.0.1', $first->port, false, true);
    foreach ([$first, $second] as $n => $server) {
        $server->handle('/', fn ($request, $response) => $response->end("$n"));
        go(fn () => $server->start());
    }
    $by = [];
    for ($i = 0; $i < 200 && count($by) < 2; $i++) {
        $client = new Client('127.0.0.1', $first->port);
        $client->get('/');
        $by[$client->body] = true;
    }
    var_dump(count($by));
    $first->shutdown();
    $second->shutdown();
});
?>
--EXPECT--
bool(true)
HTTP/1.1 200 OK
Connection: keep-alive
Content-Type: text/html
Transfer-Encoding: chunked

2
la
3
ter
0

HTTP/1.1 200 OK
Connection: keep-alive
Content-Type: text/html
Content-Length: 3

a/bHTTP/1.1 200 OK
Connection: close
Content-Type: text/html
Content-Length: 8

root abc
GET /forgot HTTP/1.1: "HTTP/1.1 500 Internal Server Error\r\nConnection: close\r\nContent-Type: text/html\r\nContent-Length: 0\r\n\r\n"
GET /dropped HTTP/1.1: "HTTP/1.1 500 Internal Server Error\r\nConnection: close\r\nContent-Type: text/html\r\nContent-Length: 0\r\n\r\n"
GET /echo HTTP/1.1: "HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Type: text/html\r\nContent-Length: 12\r\n\r\nno WebSocket"
GET /file HTTP/1.1: "HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nConnection: close\r\nContent-Length: 5\r\n\r\n<?php"
HEAD /a HTTP/1.1: "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: text/html\r\nContent-Length: 1\r\n\r\n"
GET /a HTTP/1.0: "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: text/html\r\nContent-Length: 1\r\n\r\na"
too long: HTTP/1.1 413 Payload Too Large
two lengths: HTTP/1.1 400 Bad Request
no method: HTTP/1.1 400 Bad Request
continue: HTTP/1.1 100 Continue
bool(true)
NULL
bool(true)
int(1)
bool(true)
int(1)
string(10) "42494e00ff"
bool(true)
bool(false)
string(27) "Swoole\WebSocket\CloseFrame"
int(4000)
string(2) "so"
bool(false)
bool(true)
string(74) "permessage-deflate; server_no_context_takeover; client_no_context_takeover"
bool(true)
int(7)
bool(true)
int(7)
string(10) "42494e00ff"
bool(true)
bool(false)
string(27) "Swoole\WebSocket\CloseFrame"
int(4000)
string(2) "so"
bool(false)
bool(true)
bool(true)
bool(true)
bool(false)
bool(true)
int(2)
