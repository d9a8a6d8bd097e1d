--TEST--
WebSocket: a handshake of the program's own offers no compression; settings of control frames deliver them to the program
--EXTENSIONS--
swoole
pcntl
posix
--FILE--
<?php
require __DIR__ . '/../inc/http.inc';
require __DIR__ . '/../inc/server.inc';
foreach (MODES as $name => $mode) {
    foreach ([false, true] as $delivers) {
        $server = new Swoole\WebSocket\Server('127.0.0.1', 0, $mode);
        $server->set(['worker_num' => 1, 'log_level' => SWOOLE_LOG_NONE, 'websocket_compression' => true, 'open_websocket_ping_frame' => $delivers, 'open_websocket_pong_frame' => $delivers, 'open_websocket_close_frame' => $delivers]);
        $server->on('handshake', function ($request, $response) {
            $response->status(101);
            $response->header('Upgrade', 'websocket');
            $response->header('Connection', 'Upgrade');
            $response->header('Sec-WebSocket-Version', '13');
            $response->header('Sec-WebSocket-Accept', base64_encode(sha1($request->header['sec-websocket-key'] . '258EAFA5-E914-47DA-95CA-C5AB0DC85B11', true)));
            return $response->end();
        });
        $server->on('message', function ($server, $frame) {
            $server->push($frame->fd, "opcode $frame->opcode " . str_repeat('compressible ', 20));
        });
        $parent = getmypid();
        $port = $server->port;
        if (!$pid = pcntl_fork()) {
            $s = ws_open('/', "Sec-WebSocket-Extensions: permessage-deflate\r\n", $answer);
            echo "$name: ", isset($answer[1]['sec-websocket-extensions']) ? 'offers compression' : 'no compression', "\n";
            foreach (['ping' => 9, 'pong' => 10, 'text' => 1, 'close' => 8] as $what => $opcode) {
                fwrite($s, ws_frame($opcode === 8 ? "\x03\xe8" : 'x', $opcode));
                if ($what === 'pong' && !$delivers) {
                    continue;
                }
                [$head, $data] = ws_read($s) ?? ['end', ''];
                echo "  $what: $head ", $head === '88' ? bin2hex($data) : rtrim(substr($data, 0, 9)), "\n";
            }
            posix_kill($parent, SIGTERM);
            posix_kill(getmypid(), SIGKILL);
        }
        $server->start();
        pcntl_waitpid($pid, $status);
    }
}
?>
--EXPECT--
process: no compression
  ping: 8a x
  text: 81 opcode 1
  close: 88 03e8
process: no compression
  ping: 81 opcode 9
  pong: 81 opcode 10
  text: 81 opcode 1
  close: 81 opcode 8
base: no compression
  ping: 8a x
  text: 81 opcode 1
  close: 88 03e8
base: no compression
  ping: 81 opcode 9
  pong: 81 opcode 10
  text: 81 opcode 1
  close: 81 opcode 8
