--TEST--
Swoole\WebSocket\Server handles handshakes, messages, control frames, closing and protocol violations
--EXTENSIONS--
swoole
pcntl
posix
--FILE--
<?php
require __DIR__ . '/../inc/http.inc';

function ws_serve(array $settings, array $events, callable $driver, int $mode): void
{
    $server = new Swoole\WebSocket\Server('127.0.0.1', 0, $mode);
    $server->set($settings + ['worker_num' => 2, 'log_level' => SWOOLE_LOG_NONE, 'package_max_length' => 100000]);
    foreach ($events as $name => $code) {
        $server->on($name, $code);
    }
    $parent = getmypid();
    if (!$pid = pcntl_fork()) {
        $GLOBALS['port'] = $server->port;
        $driver();
        posix_kill($parent, SIGTERM);
        posix_kill(getmypid(), SIGKILL);
    }
    $server->start();
    pcntl_waitpid($pid, $status);
}

foreach ([SWOOLE_BASE, SWOOLE_PROCESS] as $mode) {
    ws_serve(['websocket_subprotocol' => 'mine'], [
        'beforeHandshakeResponse' => fn ($server, $request, $response) => $response->header('X-Own', 'yes'),
        'open' => fn ($server, $request) => $server->push($request->fd, json_encode([$request->server['request_uri'], $request->get, $server->isEstablished($request->fd), $server->getClientInfo($request->fd)['websocket_status'] === WEBSOCKET_STATUS_ACTIVE])),
        'message' => function ($server, $frame) {
            switch ($frame->data) {
                case 'sleep': Swoole\Coroutine::sleep(0.02); break;
                case 'kinds': $server->push($frame->fd, "\0\xff", WEBSOCKET_OPCODE_BINARY); $server->push($frame->fd, 'par', 1, 0); $server->push($frame->fd, 'ts', 0); $server->ping($frame->fd, 'p'); break;
                case 'object': $part = new Swoole\WebSocket\Frame(); $part->data = 'from object'; $server->push($frame->fd, $part); break;
                case 'bye': return $server->disconnect($frame->fd, 4000, 'because');
                case 'task': return;
            }
            $server->push($frame->fd, json_encode([strlen($frame->data), substr(bin2hex($frame->data), 0, 12), $frame->opcode, $frame->flags, $frame->finish, $frame::class]));
        },
        'request' => fn ($request, $response) => $response->end('http'),
    ], function () {
        foreach (["", "Sec-WebSocket-Protocol: other, mine\r\n"] as $more) {
            $s = ws_open('/chat?a=1', $more, $answer);
            unset($answer[1]['date'], $answer[1]['server']);
            echo $answer[0], ' ', json_encode($answer[1], JSON_UNESCAPED_SLASHES), ' ', json_encode(ws_read($s), JSON_UNESCAPED_SLASHES), "\n";
        }
        foreach (['hello', '', str_repeat('a', 126), str_repeat('b', 65536), 'sleep', 'object'] as $text) {
            fwrite($s, ws_frame($text));
            echo json_encode(ws_read($s)), ' ';
        }
        ws_read($s);
        fwrite($s, ws_frame('kinds'));
        for ($i = 0; $i < 5; $i++) { echo json_encode(ws_read($s), JSON_INVALID_UTF8_SUBSTITUTE), ' '; }
        echo "\n";
        fwrite($s, ws_frame("gr\u{fc}"[0], 1, false) . ws_frame('ping', 9) . ws_frame('x', 0, false) . ws_frame('', 10) . ws_frame('y', 0));
        echo json_encode([ws_read($s), ws_read($s)]), "\n";
        foreach (str_split(ws_frame('slowly', 2)) as $byte) { fwrite($s, $byte); usleep(300); }
        echo json_encode(ws_read($s)), "\n";
        fwrite($s, ws_frame('bye'));
        [$first, $payload] = ws_read($s);
        echo "$first ", bin2hex($payload), ' ', json_encode(ws_read($s)), "\n";
        foreach (['close' => ws_frame(pack('n', 1001) . 'bye', 8), 'empty close' => ws_frame('', 8), 'unmasked' => "\x81\x02hi", 'rsv' => "\xc1" . substr(ws_frame('x'), 1), 'opcode' => ws_frame('x', 3), 'utf-8' => ws_frame("\xff"), 'lone' => ws_frame('x', 0), 'too long' => "\x82\xff" . pack('J', 200000) . 'mask', 'long in all' => ws_frame(str_repeat('x', 60000), 2, false) . ws_frame(str_repeat('x', 60000), 0), 'bad close' => ws_frame(pack('n', 1005), 8), 'behind another' => ws_frame('one') . ws_frame('x', 11) . ws_frame('never')] as $what => $bytes) {
            $s = ws_open();
            ws_read($s);
            fwrite($s, $bytes);
            for ($got = []; $frame = ws_read($s); ) { $got[] = $frame[0] === '88' ? bin2hex($frame[1]) : 'message'; }
            echo "$what: ", implode(', ', $got), "; ";
        }
        echo "\n", http_ask('GET / HTTP/1.1')[2], "\n";
        foreach (['Sec-WebSocket-Version: 8' => 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==', 'Sec-WebSocket-Version: 13' => 'Sec-WebSocket-Key: short'] as $version => $key) {
            $s = http_dial();
            fwrite($s, "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n$key\r\n$version\r\n\r\n");
            echo http_answer($s)[0], ', closed ', json_encode(fgets($s) === false), "\n";
        }
    }, $mode);
}
// Frames delivered to the callback, and a custom handshake.
ws_serve(['open_websocket_ping_frame' => true, 'open_websocket_pong_frame' => true, 'open_websocket_close_frame' => true], [
    'handshake' => function ($request, $response) {
        if ($request->server['request_uri'] !== '/good') { return false; }
        foreach (['Upgrade' => 'websocket', 'Connection' => 'Upgrade', 'Sec-WebSocket-Accept' => base64_encode(sha1($request->header['sec-websocket-key'] . '258EAFA5-E914-47DA-95CA-C5AB0DC85B11', true))] as $name => $value) { $response->header($name, $value); }
        $response->status(101);
        return $response->end();
    },
    'message' => fn ($server, $frame) => $server->push($frame->fd, $frame::class . " $frame->opcode $frame->data" . ($frame->reason ?? '')),
    'disconnect' => fn ($server, $fd) => null,
], function () {
    $s = ws_open('/good', '', $answer);
    echo $answer[0], "\n";
    fwrite($s, ws_frame('p', 9) . ws_frame('q', 10) . ws_frame(pack('n', 1000) . 'why', 8));
    for ($got = []; $frame = ws_read($s); ) { $got[] = $frame[0] === '88' ? bin2hex($frame[1]) : $frame[1]; }
    echo implode(', ', $got), "\n";
    $s = ws_open('/bad', '', $answer);
    echo $answer[0], ', closed ', json_encode(fgets($s) === false), "\n";
    echo http_ask('GET / HTTP/1.1')[0], "\n";
}, SWOOLE_PROCESS);
foreach ([["hi"], ["p", 9], ["more", 1, 0], [str_repeat('x', 200), 2]] as $arguments) {
    $packed = Swoole\WebSocket\Server::pack(...$arguments);
    $frame = Swoole\WebSocket\Frame::unpack($packed);
    echo bin2hex(substr($packed, 0, 4)), ' ', strlen($packed), ' ', json_encode([strlen($frame->data), $frame->opcode, $frame->flags, $frame->finish]), "\n";
}
$frame = Swoole\WebSocket\Server::unpack("\x88\x05\x0f\xa0why");
echo $frame::class, " $frame->code $frame->reason ", bin2hex($frame), ' ', json_encode(Swoole\WebSocket\Server::unpack("\x81\x05he")), "\n";
?>
--EXPECT--
HTTP/1.1 101 Switching Protocols {"upgrade":"websocket","connection":"Upgrade","sec-websocket-accept":"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=","sec-websocket-version":"13","x-own":"yes"} ["81","[\"\\/chat\",{\"a\":\"1\"},true,true]"]
HTTP/1.1 101 Switching Protocols {"upgrade":"websocket","connection":"Upgrade","sec-websocket-accept":"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=","sec-websocket-version":"13","sec-websocket-protocol":"mine","x-own":"yes"} ["81","[\"\\/chat\",{\"a\":\"1\"},true,true]"]
["81","[5,\"68656c6c6f\",1,33,true,\"Swoole\\\\WebSocket\\\\Frame\"]"] ["81","[0,\"\",1,33,true,\"Swoole\\\\WebSocket\\\\Frame\"]"] ["81","[126,\"616161616161\",1,33,true,\"Swoole\\\\WebSocket\\\\Frame\"]"] ["81","[65536,\"626262626262\",1,33,true,\"Swoole\\\\WebSocket\\\\Frame\"]"] ["81","[5,\"736c656570\",1,33,true,\"Swoole\\\\WebSocket\\\\Frame\"]"] ["81","from object"] ["82","\u0000\ufffd"] ["1","par"] ["80","ts"] ["89","p"] ["81","[5,\"6b696e6473\",1,33,true,\"Swoole\\\\WebSocket\\\\Frame\"]"] 
[["8a","ping"],["81","[3,\"677879\",1,33,true,\"Swoole\\\\WebSocket\\\\Frame\"]"]]
["81","[6,\"736c6f776c79\",2,33,true,\"Swoole\\\\WebSocket\\\\Frame\"]"]
88 0fa062656361757365 null
close: 03e9627965; empty close: ; unmasked: 03ea; rsv: 03ea; opcode: 03ea; utf-8: 03ef; lone: 03ea; too long: 03f1; long in all: 03f1; bad close: 03ea; behind another: message, 03ea; 
http
HTTP/1.1 426 Upgrade Required, closed true
HTTP/1.1 400 Bad Request, closed true
HTTP/1.1 101 Switching Protocols {"upgrade":"websocket","connection":"Upgrade","sec-websocket-accept":"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=","sec-websocket-version":"13","x-own":"yes"} ["81","[\"\\/chat\",{\"a\":\"1\"},true,true]"]
HTTP/1.1 101 Switching Protocols {"upgrade":"websocket","connection":"Upgrade","sec-websocket-accept":"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=","sec-websocket-version":"13","sec-websocket-protocol":"mine","x-own":"yes"} ["81","[\"\\/chat\",{\"a\":\"1\"},true,true]"]
["81","[5,\"68656c6c6f\",1,33,true,\"Swoole\\\\WebSocket\\\\Frame\"]"] ["81","[0,\"\",1,33,true,\"Swoole\\\\WebSocket\\\\Frame\"]"] ["81","[126,\"616161616161\",1,33,true,\"Swoole\\\\WebSocket\\\\Frame\"]"] ["81","[65536,\"626262626262\",1,33,true,\"Swoole\\\\WebSocket\\\\Frame\"]"] ["81","[5,\"736c656570\",1,33,true,\"Swoole\\\\WebSocket\\\\Frame\"]"] ["81","from object"] ["82","\u0000\ufffd"] ["1","par"] ["80","ts"] ["89","p"] ["81","[5,\"6b696e6473\",1,33,true,\"Swoole\\\\WebSocket\\\\Frame\"]"] 
[["8a","ping"],["81","[3,\"677879\",1,33,true,\"Swoole\\\\WebSocket\\\\Frame\"]"]]
["81","[6,\"736c6f776c79\",2,33,true,\"Swoole\\\\WebSocket\\\\Frame\"]"]
88 0fa062656361757365 null
close: 03e9627965; empty close: ; unmasked: 03ea; rsv: 03ea; opcode: 03ea; utf-8: 03ef; lone: 03ea; too long: 03f1; long in all: 03f1; bad close: 03ea; behind another: message, 03ea; 
http
HTTP/1.1 426 Upgrade Required, closed true
HTTP/1.1 400 Bad Request, closed true
HTTP/1.1 101 Switching Protocols
Swoole\WebSocket\Frame 9 p, Swoole\WebSocket\Frame 10 q, Swoole\WebSocket\CloseFrame 8 why, 03e8776879
HTTP/1.1 500 Internal Server Error, closed true
HTTP/1.1 400 Bad Request
81026869 4 [2,1,1,true]
890170 3 [1,9,1,true]
01046d6f 6 [4,1,0,false]
827e00c8 204 [200,2,1,true]
Swoole\WebSocket\CloseFrame 4000 why 88050fa0776879 false
