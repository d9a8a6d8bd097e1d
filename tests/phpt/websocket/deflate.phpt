--TEST--
websocket_compression negotiates, compresses both ways, shares one message between many, and stops bombs
--EXTENSIONS--
swoole
pcntl
posix
zlib
--FILE--
<?php
require __DIR__ . '/../inc/http.inc';
$pack = fn ($text) => substr(deflate_add(deflate_init(ZLIB_ENCODING_RAW), $text, ZLIB_SYNC_FLUSH), 0, -4);
$unpack = fn ($frame, $bits = 15) => $frame === null ? 'closed' : (hexdec($frame[0]) & 0x40
    ? 'packed ' . inflate_add(inflate_init(ZLIB_ENCODING_RAW, ['window' => $bits]), $frame[1] . "\0\0\xff\xff", ZLIB_SYNC_FLUSH)
    : "plain $frame[0] " . (hexdec($frame[0]) === 0x88 ? bin2hex($frame[1]) : $frame[1]));
$show = fn ($text) => strlen($text) > 60 ? substr($text, 0, 20) . '... ' . strlen($text) . ' ' . crc32($text) : $text;
foreach ([SWOOLE_BASE, SWOOLE_PROCESS] as $mode) {
    $server = new Swoole\WebSocket\Server('127.0.0.1', 0, $mode);
    $server->set(['worker_num' => $mode === SWOOLE_BASE ? 1 : 2, 'log_level' => SWOOLE_LOG_NONE, 'package_max_length' => 100000, 'websocket_compression' => true]);
    $server->on('message', function ($server, $frame) {
        if ($frame->data === 'all') {
            foreach ($server->connections as $fd) $server->push($fd, str_repeat('everybody ', 100));
            return;
        }
        if ($frame->data === 'parts') return $server->push($frame->fd, str_repeat('p', 100), 1, 0) && $server->push($frame->fd, 'end', 0);
        $server->push($frame->fd, "$frame->flags " . $frame->data, $frame->opcode);
    });
    $server->on('request', fn ($request, $response) => $response->end('http'));
    $parent = getmypid();
    if (!$pid = pcntl_fork()) {
        $port = $server->port;
        $packed = fn ($text) => "\xC1" . substr(ws_frame($text), 1);
        $long = str_repeat('squeeze ', 40);
        $offer = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n";
        foreach ([$offer, "Sec-WebSocket-Extensions: x-own\r\nSec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=9\r\n", "Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=8\r\n"] as $headers) {
            $s = ws_open('/', $headers, $answer);
            echo $answer[1]['sec-websocket-extensions'] ?? 'none', "\n";
            $bits = str_contains($answer[1]['sec-websocket-extensions'] ?? '', '=9') ? 9 : 15;
            fwrite($s, ws_frame($long));
            echo $show($unpack(ws_read($s), $bits)), "\n";
            fwrite($s, ws_frame('short'));
            echo $unpack(ws_read($s), $bits), "\n";
            fwrite($s, $packed($pack($long)));
            echo $show($unpack(ws_read($s), $bits)), "\n";
        }
        $s = ws_open('/', $offer);
        // A fragmented message; incompressible noise; a decompression bomb; invalid UTF-8 after decompression.
        $parts = str_split($pack($long), 5);
        foreach ($parts as $n => $part) {
            $frame = ws_frame($part, $n ? 0 : 1, $n === count($parts) - 1);
            fwrite($s, $n ? $frame : chr(ord($frame[0]) | 0x40) . substr($frame, 1));
        }
        echo $show($unpack(ws_read($s))), "\n";
        mt_srand(5);
        $noise = implode('', array_map(fn () => chr(mt_rand(0, 255)), range(1, 70000)));
        fwrite($s, ws_frame($noise, 2));
        var_dump($unpack(ws_read($s)) === "packed 33 $noise");
        fwrite($s, ws_frame('parts'));
        echo json_encode([ws_read($s)[0], ws_read($s)[0]]), "\n";
        foreach (['bomb' => str_repeat('0', 100001), 'text' => "\xff"] as $what => $data) {
            $bad = ws_open('/', $offer);
            fwrite($bad, $packed($pack($data)));
            echo "$what ", $unpack(ws_read($bad)), "\n";
        }
        $without = ws_open('/');
        fwrite($without, $packed($pack('x')));
        echo 'not agreed ', $unpack(ws_read($without)), "\n";
        // One message for many clients.
        $many = [];
        for ($i = 0; $i < 30; $i++) $many[] = ws_open('/', $i % 3 ? $offer : '');
        fwrite($many[0], ws_frame('all'));
        $heard = [];
        foreach ($many as $c) {
            $text = $show($unpack(ws_read($c)));
            $heard[$text] = ($heard[$text] ?? 0) + 1;
        }
        ksort($heard);
        print_r($heard);
        posix_kill($parent, SIGTERM);
        posix_kill(getmypid(), SIGKILL);
    }
    $server->start();
    pcntl_waitpid($pid, $status);
}
?>
--EXPECT--
permessage-deflate; server_no_context_takeover; client_no_context_takeover
packed 33 squeeze sq... 330 2955808658
packed 33 short
packed 39 squeeze sq... 330 471988545
permessage-deflate; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=9
packed 33 squeeze sq... 330 2955808658
packed 33 short
packed 39 squeeze sq... 330 471988545
none
plain 81 33 squeeze ... 332 3107137406
plain 81 33 short
plain 88 03ea
packed 39 squeeze sq... 330 471988545
bool(true)
["1","80"]
bomb plain 88 03f1
text plain 88 03ef
not agreed plain 88 03ea
Array
(
    [packed everybody eve... 1007 3385608863] => 20
    [plain 81 everybody e... 1009 2648103208] => 10
)
permessage-deflate; server_no_context_takeover; client_no_context_takeover
packed 33 squeeze sq... 330 2955808658
packed 33 short
packed 39 squeeze sq... 330 471988545
permessage-deflate; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=9
packed 33 squeeze sq... 330 2955808658
packed 33 short
packed 39 squeeze sq... 330 471988545
none
plain 81 33 squeeze ... 332 3107137406
plain 81 33 short
plain 88 03ea
packed 39 squeeze sq... 330 471988545
bool(true)
["1","80"]
bomb plain 88 03f1
text plain 88 03ef
not agreed plain 88 03ea
Array
(
    [packed everybody eve... 1007 3385608863] => 20
    [plain 81 everybody e... 1009 2648103208] => 10
)
