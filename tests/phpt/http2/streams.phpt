--TEST--
HTTP/2 streams: numbers, PING and GOAWAY of the program, windows that suspend write(), files, dropped and detached responses
--EXTENSIONS--
swoole
pcntl
posix
--FILE--
<?php
require __DIR__ . '/../inc/http.inc';
require __DIR__ . '/../inc/http2_client.inc';
use Swoole\Coroutine;
$root = sys_get_temp_dir() . '/http2_' . getmypid();
mkdir($root);
file_put_contents("$root/file.txt", str_repeat('static ', 5000));
function answer($request, $response): void
{
    global $server, $log;
    $path = $request->server['request_uri'];
    match ($path) {
        '/stream' => $response->end("$request->streamId " . json_encode([$request->fd === $response->fd, $server->exists($request->fd), $server->getClientInfo($request->fd)['remote_ip']])),
        '/ping' => $response->end(json_encode([$response->ping('12345678'), $response->ping('short'), @$response->ping('too long a text')])),
        '/goaway' => $response->end(json_encode($response->goaway(7, 'why'))),
        '/large' => $response->end(str_repeat('x', 200000)),
        '/write' => (function () use ($response, &$log) {
            for ($n = 0; $n < 40; $n++) {
                if (!$response->write(str_repeat('w', 100000))) {
                    $log = "stopped";
                    return;
                }
            }
            $log = 'written';
            $response->end();
        })(),
        '/log' => $response->end((string) $log),
        '/file' => $response->sendfile("{$GLOBALS['root']}/file.txt", 7, 14),
        '/drop' => null,
        '/half' => $response->write('half'),
        '/detach' => (function () use ($request, $response, $server) {
            $response->detach();
            Swoole\Timer::after(5, fn () => Swoole\Http\Response::create($server, $request->fd)->end('by another object'));
        })(),
        '/close' => $response->close(),
        '/slow' => (function () use ($response) { Coroutine::sleep(0.05); $response->end('slow'); })(),
        '/raw' => $response->end(json_encode(@$server->send((int) $request->get['fd'], 'raw'))),
        '/trailers' => $response->end(strlen($request->rawContent()) . ' bytes and ' . json_encode($request->trailer ?? null)),
        '/count' => $response->end(json_encode([count($server->connections), $server->stats()['connection_num']])),
        default => $response->end($path),
    };
}
function clients(): void
{
    $s = http2_open();
    foreach (['/stream', '/file', '/drop', '/half', '/detach', '/close', '/count'] as $n => $path) {
        fwrite($s, http2_get(2 * $n + 1, $path));
        echo "$path: ", http2_body($s, 2 * $n + 1), "\n";
    }
    fwrite($s, http2_get(21, '/slow') . http2_get(23, '/fast'));
    echo 'the fast one is first: ', http2_body($s, 23), ', ', http2_body($s, 21), "\n";
    fwrite($s, http2_get(25, '/file.txt'));
    echo 'static: ', strlen(http2_body($s, 25)), "\n";
    fwrite($s, http2_get(27, '/raw?fd=1'));
    echo 'raw bytes to a connection: ', http2_body($s, 27), "\n";
    fwrite($s, http2_get(29, '/ping'));
    for ($seen = []; ($frame = http2_read($s)) && !($frame[2] === 29 && $frame[1] & 1);) {
        if ($frame[0] === 6) {
            $seen[] = rtrim($frame[3], "\0");
        }
    }
    echo 'pings: ', implode(', ', $seen), ", $frame[3]\n";
    fwrite($s, http2_get(31, '/large'));
    for ($got = 0; $got < 65535; $got += strlen($frame[3])) {
        $frame = http2_read($s);
        $frame[0] === 0 || $frame[3] = '';
    }
    echo "the window took $got\n";
    fwrite($s, http2_frame(8, 0, 31, pack('N', 1 << 20)));
    echo 'the rest is ', strlen(http2_body($s, 31)), "\n";
    $t = http2_open();
    fwrite($t, http2_get(1, '/write'));
    usleep(100000);
    fwrite($s, http2_get(33, '/log'));
    echo 'log before: ', json_encode(http2_body($s, 33)), "\n";
    fwrite($t, http2_frame(8, 0, 1, pack('N', 1 << 30)));
    echo 'written: ', strlen(http2_body($t, 1)), "\n";
    fwrite($s, http2_get(35, '/log'));
    echo 'log behind: ', http2_body($s, 35), "\n";
    fwrite($t, http2_get(3, '/write') . http2_frame(3, 0, 3, pack('N', 8)) . http2_get(5, '/here'));
    echo 'behind a reset: ', http2_body($t, 5), "\n";
    foreach ([37 => 10, 39 => 12000] as $stream => $size) { // the second body goes to a file
        $fields = "\0\5x-sum\1" . "1\0\5x-two\1" . '2';
        fwrite($s, http2_frame(1, 4, $stream, http2_head('/trailers', 'POST')) . http2_frame(0, 0, $stream, str_repeat('b', $size)) . http2_frame(1, 5, $stream, $fields));
        echo 'trailers: ', http2_body($s, $stream), "\n";
    }
    $t = http_dial();
    fwrite($t, "POST /trailers HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-Sum: 3\r\n\r\n");
    echo 'of HTTP/1.1: ', http_answer($t)[2], "\n";
    fwrite($s, http2_get(41, '/goaway'));
    while (($frame = http2_read($s))[0] !== 7);
    [, $last, $code] = unpack('N2', $frame[3]);
    echo "goaway last $last code $code ", substr($frame[3], 8), ': ', http2_body($s, 41), ', then ', json_encode([http2_read($s), feof($s)]), "\n";
}
foreach ([SWOOLE_BASE, SWOOLE_PROCESS] as $mode) {
    $log = '';
    $settings = ['open_http2_protocol' => true, 'document_root' => $root, 'enable_static_handler' => true, 'socket_buffer_size' => 300000, 'input_buffer_size' => 10000];
    http_serve($settings, 'answer', 'clients', $mode, function ($s) { $GLOBALS['server'] = $s; });
}
array_map(unlink(...), glob("$root/*"));
rmdir($root);
?>
--EXPECT--
/stream: 1 [true,true,"127.0.0.1"]
/file: static static 
/drop: 
/half: half
/detach: by another object
/close:  (reset 2)
/count: [1,1]
the fast one is first: /fast, slow
static: 35000
raw bytes to a connection: false
pings: 12345678, short, [true,true,false]
the window took 65535
the rest is 134465
log before: ""
written: 4000000
log behind: written
behind a reset: /here
trailers: 10 bytes and {"x-sum":"1","x-two":"2"}
trailers: 12000 bytes and {"x-sum":"1","x-two":"2"}
of HTTP/1.1: 3 bytes and {"x-sum":"3"}
goaway last 41 code 7 why: true, then [null,true]
/stream: 1 [true,true,"127.0.0.1"]
/file: static static 
/drop: 
/half: half
/detach: by another object
/close:  (reset 2)
/count: [1,1]
the fast one is first: /fast, slow
static: 35000
raw bytes to a connection: false
pings: 12345678, short, [true,true,false]
the window took 65535
the rest is 134465
log before: ""
written: 4000000
log behind: written
behind a reset: /here
trailers: 10 bytes and {"x-sum":"1","x-two":"2"}
trailers: 12000 bytes and {"x-sum":"1","x-two":"2"}
of HTTP/1.1: 3 bytes and {"x-sum":"3"}
goaway last 41 code 7 why: true, then [null,true]