--TEST--
WebSocket: frames that arrive in the packet of the handshake wait for it; a control frame always has FIN
--EXTENSIONS--
swoole
pcntl
posix
--FILE--
<?php
require __DIR__ . '/../inc/http.inc';
foreach ([SWOOLE_BASE, SWOOLE_PROCESS] as $mode) {
    foreach ([false, true] as $own) {
        $server = new Swoole\WebSocket\Server('127.0.0.1', 0, $mode);
        $server->set(['worker_num' => 1, 'log_level' => SWOOLE_LOG_NONE]);
        if ($own) {
            $server->on('handshake', function ($request, $response) {
                Co::sleep(0.05);
                $key = base64_encode(sha1($request->header['sec-websocket-key'] . '258EAFA5-E914-47DA-95CA-C5AB0DC85B11', true));
                $response->status(101);
                foreach (['Upgrade' => 'websocket', 'Connection' => 'Upgrade', 'Sec-WebSocket-Accept' => $key] as $name => $value) {
                    $response->header($name, $value);
                }
                $response->end();
            });
        }
        $server->on('message', fn ($server, $frame) => $server->push($frame->fd, "echo:$frame->data"));
        $parent = getmypid();
        if (!$pid = pcntl_fork()) {
            $GLOBALS['port'] = $server->port;
            fwrite($s = http_dial(2), "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                . 'Sec-WebSocket-Key: ' . base64_encode('0123456789abcdef') . "\r\n\r\n\x81\x82\0\0\0\0hi\x81\x81\0\0\0\0!");
            echo http_answer($s, true)[0], ' ', bin2hex(stream_get_contents($s, 9)), ' ', bin2hex(stream_get_contents($s, 8)), "\n";
            posix_kill($parent, SIGTERM);
            posix_kill(getmypid(), SIGKILL);
        }
        $server->start();
        pcntl_waitpid($pid, $status);
    }
}
echo bin2hex(Swoole\WebSocket\Frame::pack('hi', SWOOLE_WEBSOCKET_OPCODE_PING, 0)), ' ', bin2hex(Swoole\WebSocket\Frame::pack('hi', SWOOLE_WEBSOCKET_OPCODE_TEXT, 0)), "\n";
?>
--EXPECT--
HTTP/1.1 101 Switching Protocols 81076563686f3a6869 81066563686f3a21
HTTP/1.1 101 Switching Protocols 81076563686f3a6869 81066563686f3a21
HTTP/1.1 101 Switching Protocols 81076563686f3a6869 81066563686f3a21
HTTP/1.1 101 Switching Protocols 81076563686f3a6869 81066563686f3a21
89026869 01026869
