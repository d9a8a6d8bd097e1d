--TEST--
A worker killed during a streamed response leaves it truncated, never mixed; waiting requests go to its successor
--EXTENSIONS--
swoole
pcntl
posix
--FILE--
<?php
require __DIR__ . '/../inc/http.inc';
http_serve([], function ($request, $response) {
    switch ($request->server['request_uri']) {
        case '/pid': return $response->end((string) getmypid());
        case '/parts': $response->write("first\n"); Swoole\Coroutine::sleep(5); return $response->end('never');
        case '/silent': Swoole\Coroutine::sleep(5); return $response->end('never');
        default: $response->end('fine');
    }
}, function () {
    $kept = http_dial();
    fwrite($kept, "GET /pid HTTP/1.1\r\nHost: a\r\n\r\n");
    $pid = (int) http_answer($kept)[2];
    $parts = http_dial();
    fwrite($parts, "GET /parts HTTP/1.1\r\nHost: a\r\n\r\n");
    while (!str_contains($line = (string) fgets($parts), 'first')) {
    }
    fwrite($parts, "GET /mixed HTTP/1.1\r\nHost: a\r\n\r\n");
    $silent = http_dial();
    fwrite($silent, "GET /silent HTTP/1.1\r\nHost: a\r\n\r\n");
    usleep(50000);
    posix_kill($pid, SIGKILL);
    echo json_encode(@stream_get_contents($parts)), ' ', json_encode(feof($parts)), "\n";
    echo json_encode(@stream_get_contents($silent)), ' ', json_encode(feof($silent)), "\n";
    // A connection without pending responses continues with the successor.
    fwrite($kept, "GET /x HTTP/1.1\r\nHost: a\r\n\r\nGET /pid HTTP/1.1\r\nHost: a\r\n\r\n");
    echo http_answer($kept)[2], ' ', json_encode((int) http_answer($kept)[2] !== $pid), "\n";
}, SWOOLE_PROCESS);
// In every dispatch mode the requests of one connection are answered in order.
foreach ([1, 3, 7] as $dispatch) {
    http_serve(['worker_num' => 3, 'dispatch_mode' => $dispatch], function ($request, $response) {
        if ($request->server['request_uri'] === '/slow') { $response->write('s'); usleep(30000); $response->write('low'); return $response->end(); }
        $response->end($request->server['request_uri']);
    }, function () {
        $s = http_dial();
        for ($round = 0; $round < 3; $round++) {
            fwrite($s, "GET /slow HTTP/1.1\r\nHost: a\r\n\r\nGET /a HTTP/1.1\r\nHost: a\r\n\r\n");
            usleep(10000);
            fwrite($s, "GET /slow HTTP/1.1\r\nHost: a\r\n\r\nGET /b HTTP/1.1\r\nHost: a\r\n\r\n");
            for ($i = 0; $i < 4; $i++) { echo http_answer($s)[2], ' '; }
        }
        echo "\n";
    }, SWOOLE_PROCESS);
}
// If a worker dies during a request, the responses to those behind it are lost too: none is sent in its place.
http_serve(['worker_num' => 2], function ($request, $response) {
    if ($request->server['request_uri'] === '/die') { posix_kill(getmypid(), SIGKILL); }
    $response->end('fine');
}, function () {
    $mixed = 0;
    for ($round = 0; $round < 4; $round++) {
        $s = http_dial();
        fwrite($s, "GET /die HTTP/1.1\r\nHost: a\r\n\r\nGET /a HTTP/1.1\r\nHost: a\r\n\r\nGET /b HTTP/1.1\r\nHost: a\r\n\r\n");
        $mixed += @stream_get_contents($s) !== '';
    }
    echo "mixed: $mixed, then ", http_ask('GET / HTTP/1.1')[2], "\n";
}, SWOOLE_PROCESS);
?>
--EXPECT--
"\r\n" true
"" true
fine true
slow /a slow /b slow /a slow /b slow /a slow /b 
slow /a slow /b slow /a slow /b slow /a slow /b 
slow /a slow /b slow /a slow /b slow /a slow /b 
mixed: 0, then fine
