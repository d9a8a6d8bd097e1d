--TEST--
A WebSocket over HTTP/2 (RFC 8441) talks beside requests on one connection, and beside those of HTTP/1.1
--EXTENSIONS--
swoole
pcntl
posix
--FILE--
<?php
require __DIR__ . '/../inc/http.inc';
require __DIR__ . '/../inc/http2_client.inc';
function websocket_over_http2(int $mode): void
{
    $server = new Swoole\WebSocket\Server('127.0.0.1', 0, $mode);
    $server->set(['worker_num' => 1, 'log_level' => SWOOLE_LOG_NONE, 'open_http2_protocol' => true, 'websocket_subprotocol' => 'chat']);
    $server->on('open', fn ($server, $request) => $request->server['request_uri'] === '/silent' || $server->push($request->fd, 'open ' . $request->server['request_uri']));
    $server->on('message', function ($server, $frame) {
        $frame->data === 'close' ? $server->disconnect($frame->fd, 4000, 'as asked') : $server->push($frame->fd, "you said $frame->data");
    });
    $server->on('request', fn ($request, $response) => $response->end(json_encode(array_map(fn ($fd) => $server->isEstablished($fd), iterator_to_array($server->connections, false)))));
    $server->on('close', function ($server, $fd) { file_put_contents($GLOBALS['closed'], $fd > 1 << 50 ? 'stream ' : 'connection ', FILE_APPEND); });
    $parent = getmypid();
    $GLOBALS['closed'] = tempnam(sys_get_temp_dir(), 'ws');
    if (!$pid = pcntl_fork()) {
        $GLOBALS['port'] = $server->port;
        talk();
        // Its connections are closed by now; their events follow.
        for ($i = 0; $i < 1000 && substr_count(file_get_contents($GLOBALS['closed']), ' ') < 6; $i++) {
            usleep(10000);
        }
        posix_kill($parent, SIGTERM);
        posix_kill(getmypid(), SIGKILL);
    }
    $server->start();
    pcntl_waitpid($pid, $status);
    $closed = array_count_values(explode(' ', trim(file_get_contents($GLOBALS['closed']))));
    ksort($closed);
    echo 'closed: ', json_encode($closed), "\n";
    unlink($GLOBALS['closed']);
}
function ws_data($s, int $stream): string
{
    for ($data = ''; $frame = http2_read($s);) {
        if ($frame[2] === $stream && $frame[0] === 0) {
            $data .= $frame[3];
            if (strlen($data) >= 2 && strlen($data) >= 2 + ord($data[1])) {
                return dechex(ord($data[0])) . ' ' . substr($data, 2);
            }
            if ($frame[1] & 1) {
                return 'end';
            }
        }
        if ($frame[2] === $stream && $frame[0] === 3) {
            return 'reset';
        }
    }
    return 'closed';
}
function talk(): void
{
    $s = http2_open();
    $connect = http2_head('/chat', 'CONNECT', [':protocol' => 'websocket', 'sec-websocket-version' => '13', 'sec-websocket-protocol' => 'chat', 'origin' => 'http://a.test']);
    fwrite($s, http2_frame(1, 4, 1, $connect));
    while (($frame = http2_read($s))[0] !== 1);
    echo 'status 200: ', json_encode($frame[3][0] === "\x88"), ', open to the end: ', json_encode(($frame[1] & 1) === 0), "\n";
    echo ws_data($s, 1), "\n";
    fwrite($s, http2_frame(0, 0, 1, ws_frame('hello')));
    echo ws_data($s, 1), "\n";
    fwrite($s, http2_frame(0, 0, 1, substr($ping = ws_frame('are you there', 9), 0, 5)) . http2_frame(0, 0, 1, substr($ping, 5)));
    echo ws_data($s, 1), "\n";
    fwrite($s, http2_get(3, '/list'));
    echo 'connections: ', http2_body($s, 3), "\n";
    // Another one on the same connection.
    fwrite($s, http2_frame(1, 4, 5, $connect));
    echo 'the second: ', ws_data($s, 5), "\n";
    fwrite($s, http2_frame(0, 0, 1, ws_frame('close')));
    $close = ws_data($s, 1);
    echo 'closed with ', unpack('n', substr($close, 3))[1], ' ', substr($close, 5), "\n";
    echo 'the second goes on: ', (function () use ($s) { fwrite($s, http2_frame(0, 0, 5, ws_frame('still here'))); return ws_data($s, 5); })(), "\n";
    fwrite($s, http2_frame(0, 0, 5, "\x81\x05plain"));
    $close = ws_data($s, 5);
    echo 'unmasked: ', unpack('n', substr($close, 3))[1], "\n";
    // The first message is the client's; it is sent with the request, and after the response.
    foreach ([9 => 0, 11 => 100000] as $stream => $pause) {
        fwrite($s, http2_frame(1, 4, $stream, http2_head('/silent', 'CONNECT', [':protocol' => 'websocket', 'sec-websocket-version' => '13'])));
        usleep($pause);
        fwrite($s, http2_frame(0, 0, $stream, ws_frame('first')));
        echo 'silent: ', ws_data($s, $stream), "\n";
        fwrite($s, http2_frame(0, 0, $stream, ws_frame('close')));
        ws_data($s, $stream);
    }
    $old = ws_open('/old', '', $answer);
    echo "$answer[0], ", implode(' ', ws_read($old)), "\n";
    fwrite($s, http2_get(13, '/list'));
    echo 'connections: ', http2_body($s, 13), "\n";
}
foreach ([SWOOLE_BASE, SWOOLE_PROCESS] as $mode) {
    websocket_over_http2($mode);
}
?>
--EXPECT--
status 200: true, open to the end: true
81 open /chat
81 you said hello
8a are you there
connections: [false,true]
the second: 81 open /chat
closed with 4000 as asked
the second goes on: 81 you said still here
unmasked: 1002
silent: 81 you said first
silent: 81 you said first
HTTP/1.1 101 Switching Protocols, 81 open /old
connections: [false,true]
closed: {"connection":2,"stream":4}
status 200: true, open to the end: true
81 open /chat
81 you said hello
8a are you there
connections: [false,true]
the second: 81 open /chat
closed with 4000 as asked
the second goes on: 81 you said still here
unmasked: 1002
silent: 81 you said first
silent: 81 you said first
HTTP/1.1 101 Switching Protocols, 81 open /old
connections: [false,true]
closed: {"connection":2,"stream":4}