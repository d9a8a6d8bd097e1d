--TEST--
Faults of HTTP/2 clients reset their stream or close their connection with a line in the log that names the client and the cause, in both modes
--EXTENSIONS--
swoole
pcntl
posix
--FILE--
<?php
require __DIR__ . '/../inc/http.inc';
require __DIR__ . '/../inc/http2_client.inc';
$log = tempnam(sys_get_temp_dir(), 'log');
$answer = fn ($request, $response) => $response->end("hello\n");
$field = fn (string $name, string $value) => "\0" . chr(strlen($name)) . $name . chr(strlen($value)) . $value;
foreach ([SWOOLE_BASE, SWOOLE_PROCESS] as $mode) {
    file_put_contents($log, '');
    http_serve(['open_http2_protocol' => true, 'log_file' => $log, 'log_level' => SWOOLE_LOG_INFO], $answer, function () use ($field) {
        $streams = [
            'upper case' => http2_get(1, '/', ['X-Upper' => '1']),
            'line break' => http2_get(3, '/', ['x-split' => "a\r\nx-more: b"]),
            'no path' => http2_frame(1, 5, 5, $field(':method', 'GET') . $field(':scheme', 'http')),
            'two hosts' => http2_get(7, '/', ['host' => 'b.test']),
            'lower-case method' => http2_frame(1, 5, 9, http2_head('/', 'post')),
            'too much' => http2_frame(1, 4, 11, http2_head('/', 'POST', ['content-length' => '1'])) . http2_frame(0, 1, 11, 'two'),
        ];
        $s = http2_open();
        foreach ($streams as $name => $frames) {
            fwrite($s, $frames);
            do {
                [$type, $flags, $stream, $payload] = http2_read($s);
            } while ($stream === 0);
            echo "$name: stream $stream ", $type === 3 ? 'reset ' . unpack('N', $payload)[1] : 'response', "\n";
        }
        fwrite($s, http2_get(13, '/'));
        echo http2_body($s, 13);
        foreach ([
            'a window' => http2_frame(8, 0, 0, pack('N', 0)),
            'a length' => http2_frame(4, 0, 0, '12345'),
            'HPACK' => http2_frame(1, 5, 1, "\xff\xff\xff\xff\xff\xff"),
            'a flood' => str_repeat(http2_frame(6, 0, 0, 'too much'), 600),
        ] as $name => $frames) {
            $s = http2_open();
            fwrite($s, $frames);
            while (($frame = http2_read($s)) && $frame[0] !== 7);
            echo "$name: closed with ", unpack('N', $frame[3], 4)[1], "\n";
        }
        $s = http_dial();
        fwrite($s, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" . http2_frame(6, 0, 0, 'too soon'));
        while (($frame = http2_read($s)) && $frame[0] !== 7);
        echo 'the first frame: closed with ', unpack('N', $frame[3], 4)[1], "\n";
    }, $mode);
    foreach (file($log) as $line) {
        $line = preg_replace(['/^.*?\t/', '/from 127\.0\.0\.1:[0-9]+/', '/connection [0-9]+/'], ['', 'from CLIENT', 'connection ID'], $line);
        if (str_contains($line, 'CLIENT')) {
            echo $line;
        }
    }
}
unlink($log);
?>
--EXPECT--
upper case: stream 1 reset 1
line break: stream 3 reset 1
no path: stream 5 reset 1
two hosts: stream 7 reset 1
lower-case method: stream 9 response
too much: stream 11 reset 1
hello
a window: closed with 1
a length: closed with 6
HPACK: closed with 9
a flood: closed with 11
the first frame: closed with 1
INFO	connection ID from CLIENT: stream 1 is reset with PROTOCOL_ERROR: a name has upper-case letters
INFO	connection ID from CLIENT: stream 3 is reset with PROTOCOL_ERROR: a value has a control character or a line break
INFO	connection ID from CLIENT: stream 5 is reset with PROTOCOL_ERROR: `:path` is missing
INFO	connection ID from CLIENT: stream 7 is reset with PROTOCOL_ERROR: `:authority` and `host` differ
INFO	connection ID from CLIENT: answered with 501: the method is not known: methods are case-sensitive; those of HTTP are in upper case
INFO	connection ID from CLIENT: stream 11 is reset with PROTOCOL_ERROR: the body is longer than `content-length`
INFO	connection ID from CLIENT is closed: HTTP/2: PROTOCOL_ERROR: WINDOW_UPDATE with an increment of 0
INFO	connection ID from CLIENT is closed: HTTP/2: FRAME_SIZE_ERROR: the length of SETTINGS is not a multiple of 6
INFO	connection ID from CLIENT is closed: HTTP/2: COMPRESSION_ERROR: a header block is invalid HPACK (RFC 7541)
INFO	connection ID from CLIENT is closed: HTTP/2: ENHANCE_YOUR_CALM: too many PING frames
INFO	connection ID from CLIENT is closed: HTTP/2: PROTOCOL_ERROR: the first frame is not SETTINGS
upper case: stream 1 reset 1
line break: stream 3 reset 1
no path: stream 5 reset 1
two hosts: stream 7 reset 1
lower-case method: stream 9 response
too much: stream 11 reset 1
hello
a window: closed with 1
a length: closed with 6
HPACK: closed with 9
a flood: closed with 11
the first frame: closed with 1
INFO	connection ID from CLIENT: stream 1 is reset with PROTOCOL_ERROR: a name has upper-case letters
INFO	connection ID from CLIENT: stream 3 is reset with PROTOCOL_ERROR: a value has a control character or a line break
INFO	connection ID from CLIENT: stream 5 is reset with PROTOCOL_ERROR: `:path` is missing
INFO	connection ID from CLIENT: stream 7 is reset with PROTOCOL_ERROR: `:authority` and `host` differ
INFO	connection ID from CLIENT: answered with 501: the method is not known: methods are case-sensitive; those of HTTP are in upper case
INFO	connection ID from CLIENT: stream 11 is reset with PROTOCOL_ERROR: the body is longer than `content-length`
INFO	connection ID from CLIENT is closed: HTTP/2: PROTOCOL_ERROR: WINDOW_UPDATE with an increment of 0
INFO	connection ID from CLIENT is closed: HTTP/2: FRAME_SIZE_ERROR: the length of SETTINGS is not a multiple of 6
INFO	connection ID from CLIENT is closed: HTTP/2: COMPRESSION_ERROR: a header block is invalid HPACK (RFC 7541)
INFO	connection ID from CLIENT is closed: HTTP/2: ENHANCE_YOUR_CALM: too many PING frames
INFO	connection ID from CLIENT is closed: HTTP/2: PROTOCOL_ERROR: the first frame is not SETTINGS
