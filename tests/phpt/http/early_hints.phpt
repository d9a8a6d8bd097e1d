--TEST--
Swoole\Http\Response::earlyHints sends 103 before the response, never after its beginning, and cannot split it
--EXTENSIONS--
swoole
pcntl
posix
--FILE--
<?php
require __DIR__ . '/../inc/http.inc';
function answer($request, $response): void
{
    $told = [];
    set_error_handler(function ($level, $text) use (&$told) { $told[] = $text; return true; });
    $link = ['Link' => ['</a.css>; rel=preload', '</b.js>; rel=preload'], 'X-Number' => 7];
    $told[] = match ($request->server['request_uri']) {
        '/hints' => $response->earlyHints($link) && $response->earlyHints(['Link' => '</c>']),
        '/late' => [$response->write('begun'), $response->earlyHints($link)][1],
        '/line' => $response->earlyHints(['Link' => "</a>\r\nX-Injected: 1"]),
        '/name' => $response->earlyHints(["Link: a\r\nX-Injected" => '1']),
        '/length' => $response->earlyHints(['Content-Length' => 1]),
        '/list' => $response->earlyHints(['</a>']),
        '/deep' => $response->earlyHints(['Link' => [['</a>']]]),
    };
    restore_error_handler();
    $response->end(json_encode($told, JSON_UNESCAPED_SLASHES));
}
function show(): void
{
    foreach (['hints', 'late', 'line', 'name', 'length', 'list', 'deep'] as $path) {
        $s = http_dial();
        fwrite($s, "GET /$path HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        $all = preg_replace('~^(Server|Date|Content-Type|Connection|Content-Length): .*\r\n~m', '', stream_get_contents($s));
        echo "$path: ", str_replace("\r\n", '|', $all), "\n";
    }
    $s = http_dial();
    fwrite($s, "GET /hints HTTP/1.0\r\n\r\n");
    echo 'old: ', http_answer($s)[2], "\n";
    // The responses of a connection keep their order.
    $s = http_dial();
    fwrite($s, str_repeat("GET /hints HTTP/1.1\r\nHost: a\r\n\r\n", 3));
    for ($n = 0; $n < 9; $n++) {
        echo substr(http_answer($s)[0], 9, 3), ' ';
    }
    echo "\n";
}
foreach ([SWOOLE_BASE, SWOOLE_PROCESS] as $mode) {
    http_serve([], 'answer', 'show', $mode);
}
Swoole\Coroutine\run(function () {
    $server = new Swoole\Coroutine\Http\Server('127.0.0.1', 0);
    $server->handle('/', 'answer');
    $GLOBALS['port'] = $server->port;
    go(fn () => $server->start());
    show();
    $server->shutdown();
});
?>
--EXPECT--
hints: HTTP/1.1 103 Early Hints|Link: </a.css>; rel=preload|Link: </b.js>; rel=preload|X-Number: 7||HTTP/1.1 103 Early Hints|Link: </c>||HTTP/1.1 200 OK||[true]
late: HTTP/1.1 200 OK|Transfer-Encoding: chunked||5|begun|6b|["Swoole\\Http\\Response::earlyHints(): the response has begun: no early hints can be sent any more",false]|0||
line: HTTP/1.1 200 OK||["Swoole\\Http\\Response::earlyHints(): early hints are not sent: \"Link\" is not allowed in them",false]
name: HTTP/1.1 200 OK||["Swoole\\Http\\Response::earlyHints(): early hints are not sent: \"Link: a\\r\\nX-Injected\" is not allowed in them",false]
length: HTTP/1.1 200 OK||["Swoole\\Http\\Response::earlyHints(): early hints are not sent: \"Content-Length\" is not allowed in them",false]
list: HTTP/1.1 200 OK||["Swoole\\Http\\Response::earlyHints(): early hints are not sent: \"0\" is not allowed in them",false]
deep: HTTP/1.1 200 OK||["Swoole\\Http\\Response::earlyHints(): early hints are not sent: \"Link\" is not allowed in them",false]
old: [false]
103 103 200 103 103 200 103 103 200 
hints: HTTP/1.1 103 Early Hints|Link: </a.css>; rel=preload|Link: </b.js>; rel=preload|X-Number: 7||HTTP/1.1 103 Early Hints|Link: </c>||HTTP/1.1 200 OK||[true]
late: HTTP/1.1 200 OK|Transfer-Encoding: chunked||5|begun|6b|["Swoole\\Http\\Response::earlyHints(): the response has begun: no early hints can be sent any more",false]|0||
line: HTTP/1.1 200 OK||["Swoole\\Http\\Response::earlyHints(): early hints are not sent: \"Link\" is not allowed in them",false]
name: HTTP/1.1 200 OK||["Swoole\\Http\\Response::earlyHints(): early hints are not sent: \"Link: a\\r\\nX-Injected\" is not allowed in them",false]
length: HTTP/1.1 200 OK||["Swoole\\Http\\Response::earlyHints(): early hints are not sent: \"Content-Length\" is not allowed in them",false]
list: HTTP/1.1 200 OK||["Swoole\\Http\\Response::earlyHints(): early hints are not sent: \"0\" is not allowed in them",false]
deep: HTTP/1.1 200 OK||["Swoole\\Http\\Response::earlyHints(): early hints are not sent: \"Link\" is not allowed in them",false]
old: [false]
103 103 200 103 103 200 103 103 200 
hints: HTTP/1.1 103 Early Hints|Link: </a.css>; rel=preload|Link: </b.js>; rel=preload|X-Number: 7||HTTP/1.1 103 Early Hints|Link: </c>||HTTP/1.1 200 OK||[true]
late: HTTP/1.1 200 OK|Transfer-Encoding: chunked||5|begun|6b|["Swoole\\Http\\Response::earlyHints(): the response has begun: no early hints can be sent any more",false]|0||
line: HTTP/1.1 200 OK||["Swoole\\Http\\Response::earlyHints(): early hints are not sent: \"Link\" is not allowed in them",false]
name: HTTP/1.1 200 OK||["Swoole\\Http\\Response::earlyHints(): early hints are not sent: \"Link: a\\r\\nX-Injected\" is not allowed in them",false]
length: HTTP/1.1 200 OK||["Swoole\\Http\\Response::earlyHints(): early hints are not sent: \"Content-Length\" is not allowed in them",false]
list: HTTP/1.1 200 OK||["Swoole\\Http\\Response::earlyHints(): early hints are not sent: \"0\" is not allowed in them",false]
deep: HTTP/1.1 200 OK||["Swoole\\Http\\Response::earlyHints(): early hints are not sent: \"Link\" is not allowed in them",false]
old: [false]
103 103 200 103 103 200 103 103 200
