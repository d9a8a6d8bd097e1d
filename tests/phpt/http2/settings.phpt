--TEST--
The http2_ settings reach the client and take effect, numbers out of range are clamped, and without open_http2_protocol a preface is no request
--EXTENSIONS--
swoole
pcntl
posix
--FILE--
<?php
require __DIR__ . '/../inc/http.inc';
require __DIR__ . '/../inc/http2_client.inc';
function first_settings(): string
{
    $s = http_dial();
    fwrite($s, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" . http2_frame(4, 0, 0));
    [, , , $payload] = http2_read($s);
    return implode(' ', array_map(fn ($one) => implode('=', unpack('nname/Nvalue', $one)), str_split($payload, 6)));
}
/** The status of a response, sent as a number or from the static table. */
function status($s, int $stream): string
{
    while ($frame = http2_read($s)) {
        if ($frame[2] === $stream && $frame[0] === 1) {
            return str_contains($frame[3], "\x03431") ? '431' : ($frame[3][0] === "\x88" ? '200' : bin2hex($frame[3]));
        }
        if ($frame[2] === $stream && $frame[0] === 3) {
            return 'reset ' . unpack('N', $frame[3])[1];
        }
    }
    return 'closed';
}
$answer = function ($request, $response) {
    $request->server['request_uri'] === '/wait' && Swoole\Coroutine::sleep(0.05);
    $response->end(count($request->header) . ' fields');
};
$http2 = ['open_http2_protocol' => true];
http_serve($http2, $answer, function () { echo 'default: ', first_settings(), "\n"; });
$own = ['http2_header_table_size' => 1000, 'http2_max_concurrent_streams' => 2, 'http2_init_window_size' => 20000, 'http2_max_frame_size' => 30000, 'http2_max_header_list_size' => 2000, 'http2_max_headers' => 10];
http_serve($http2 + $own, $answer, function () {
    echo 'own: ', first_settings(), "\n";
    $s = http2_open();
    fwrite($s, http2_get(1, '/wait') . http2_get(3, '/wait') . http2_get(5, '/wait'));
    $seen = [];
    for ($n = 0; $n < 3; $n++) {
        do {
            $frame = http2_read($s);
        } while (!in_array($frame[0], [1, 3], true));
        $seen[$frame[2]] = $frame[0] === 1 ? 'answered' : 'reset ' . unpack('N', $frame[3])[1];
    }
    ksort($seen);
    echo 'three streams: ', json_encode($seen), "\n";
    fwrite($s, http2_get(7, '/', ['x-long' => array_fill(0, 9, str_repeat('v', 120)), 'x-more' => array_fill(0, 9, str_repeat('v', 120))]));
    echo 'a long list: ', status($s, 7), "\n";
    $t = http2_open();
    fwrite($t, http2_get(1, '/', array_fill_keys(array_map(fn ($n) => "x-$n", range(1, 11)), 'v')));
    echo 'eleven fields: ', status($t, 1), "\n";
    fwrite($s, http2_get(11, '/', array_fill_keys(array_map(fn ($n) => "x-$n", range(1, 9)), 'v')));
    echo 'nine fields: ', status($s, 11), "\n";
    fwrite($s, http2_frame(1, 4, 13, http2_head('/', 'POST')) . http2_frame(0, 1, 13, str_repeat('x', 19000)));
    echo 'a frame of 19000 bytes: ', status($s, 13), "\n";
});
$far = ['http2_header_table_size' => 1 << 30, 'http2_max_concurrent_streams' => 0, 'http2_init_window_size' => 1 << 40, 'http2_max_frame_size' => 1, 'http2_max_header_list_size' => 4294967295];
http_serve($http2 + $far, $answer, function () { echo 'clamped: ', first_settings(), "\n"; });
foreach ([[], ['open_http2_protocol' => false]] as $off) {
    http_serve($off, $answer, function () {
        $s = http_dial();
        fwrite($s, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" . http2_frame(4, 0, 0));
        echo 'off: ', fgets($s);
    });
}
?>
--EXPECT--
default: 1=4096 3=200 4=65535 5=16384 6=65536 8=1
own: 1=1000 3=2 4=20000 5=30000 6=2000 8=1
three streams: {"1":"answered","3":"answered","5":"reset 7"}
a long list: 431
eleven fields: 431
nine fields: 200
a frame of 19000 bytes: 200
clamped: 1=65536 3=1 4=2147483647 5=16384 6=1048576 8=1
off: HTTP/1.1 505 HTTP Version Not Supported
off: HTTP/1.1 505 HTTP Version Not Supported
