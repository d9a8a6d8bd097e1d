--TEST--
A request over HTTP/2 whose callback throws gets status 500 before its worker ends, in both modes, with and without coroutines
--EXTENSIONS--
swoole
pcntl
posix
--INI--
display_errors=0
error_log=/dev/null
--FILE--
<?php
require __DIR__ . '/../inc/http.inc';
require __DIR__ . '/../inc/http2_client.inc';
$request = fn ($request, $response) => $request->server['request_uri'] === '/throw' ? throw new Exception('as asked') : $response->end('served');
$driver = function () {
    $outcomes = [];
    for ($i = 0; $i < 4; $i++) {
        $s = http2_open();
        fwrite($s, http2_get(1, '/throw'));
        while (($frame = http2_read($s)) && $frame[2] !== 1);
        // RFC 7541 appendix A: field 14 of the static table is `:status: 500`.
        $outcomes[] = $frame && $frame[0] === 1 && $frame[3][0] === "\x8e" ? 500 : json_encode($frame);
    }
    $s = http2_open();
    fwrite($s, http2_get(1, '/'));
    echo implode(' ', $outcomes), ' ', http2_body($s, 1), "\n";
};
foreach ([SWOOLE_PROCESS, SWOOLE_BASE] as $mode) {
    foreach ([true, false] as $coroutines) {
        http_serve(['worker_num' => 2, 'open_http2_protocol' => true, 'enable_coroutine' => $coroutines], $request, $driver, $mode);
    }
}
?>
--EXPECT--
500 500 500 500 served
500 500 500 500 served
500 500 500 500 served
500 500 500 500 served
