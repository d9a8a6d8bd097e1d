--TEST--
HTTP: http_header_timeout and http_body_timeout answer slow requests with 408
--EXTENSIONS--
swoole
pcntl
posix
--FILE--
<?php
require __DIR__ . '/../inc/http.inc';
foreach ([SWOOLE_BASE, SWOOLE_PROCESS] as $mode) {
    http_serve(['http_header_timeout' => 0.2, 'http_body_timeout' => '0.2'], function ($request, $response) {
        if ($request->server['request_uri'] === '/long') {
            Swoole\Coroutine::sleep(0.6);
        }
        $response->end($request->server['request_uri']);
    }, function () {
        foreach (["GET /head HTTP/1.1\r\nHost: a", "POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab"] as $begun) {
            $s = http_dial();
            fwrite($s, $begun);
            [$status, $headers] = http_answer($s);
            echo "$status, {$headers['connection']}, ", var_export(fgets($s), true), "\n";
        }
        $s = http_dial();
        fwrite($s, "GET /rests HTTP/1.1\r\nHost: a\r\n\r\n");
        echo http_answer($s)[2], ', ';
        usleep(500000);
        // The server is slow here; the peer has sent everything.
        fwrite($s, "GET /long HTTP/1.1\r\nHost: a\r\n\r\n");
        echo http_answer($s)[2], "\n";
    }, $mode);
}
?>
--EXPECT--
HTTP/1.1 408 Request Timeout, close, false
HTTP/1.1 408 Request Timeout, close, false
/rests, /long
HTTP/1.1 408 Request Timeout, close, false
HTTP/1.1 408 Request Timeout, close, false
/rests, /long
