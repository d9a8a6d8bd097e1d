--TEST--
WebSocket over the wire: all close codes, split characters, ping floods, boundary lengths, one-byte frames
--EXTENSIONS--
swoole
pcntl
posix
--FILE--
<?php
require __DIR__ . '/../inc/http.inc';
$driver = function () {
    $all = [...range(990, 1020), 1100, 2000, 2999, 3000, 3999, 4000, 4999, 5000, 65535, 0];
    $echoed = array_filter($all, function (int $code) {
        $s = ws_open();
        fwrite($s, ws_frame(pack('n', $code), 8) . ws_frame('never heard'));
        $answer = bin2hex(ws_read($s)[1]);
        $rest = ws_read($s);
        $is_echoed = $answer === sprintf('%04x', $code);
        $is_echoed || $answer === '03ea' || print "$code is answered with $answer\n";
        $rest === null || print "more comes behind the end\n";
        return $is_echoed;
    });
    echo implode(' ', $echoed), "\n";

    $s = ws_open();
    foreach ([0, 1, 125, 126, 127, 65535, 65536] as $length) {
        $data = str_repeat('*', $length);
        fwrite($s, ws_frame($data));
        echo ws_read($s) === ['81', $data] ? "$length " : "NOT $length ";
    }
    // A text cut at each byte, and then into frames of one byte, each in a write of its own.
    $text = "\u{3ba}\u{1f79}\u{10ffff}!";
    for ($at = 0; $at <= strlen($text); $at++) {
        fwrite($s, ws_frame(substr($text, 0, $at), 1, false) . ws_frame(substr($text, $at), 0));
        ws_read($s) === ['81', $text] || print "not as it was sent: cut at $at\n";
    }
    foreach (str_split($text) as $n => $byte) {
        fwrite($s, ws_frame($byte, $n ? 0 : 1, false));
        fwrite($s, ws_frame("$n", 9));
        ws_read($s) === ['8a', "$n"] || print "no pong of $n\n";
    }
    fwrite($s, ws_frame('', 0));
    echo ws_read($s) === ['81', $text] ? 'split' : 'NOT split', "\n";
    for ($at = 1; $at < 3; $at++) {
        $bad = ws_open();
        $surrogate = "\xed\xa0\x80";
        fwrite($bad, ws_frame(substr($surrogate, 0, $at), 1, false) . ws_frame(substr($surrogate, $at), 0));
        echo bin2hex(ws_read($bad)[1]), ws_read($bad) === null ? ' closed, ' : ' open, ';
    }
    // 5,000 pings at once, read only afterwards.
    $flood = '';
    for ($n = 0; $n < 5000; $n++) {
        $flood .= ws_frame("ping $n", 9);
    }
    fwrite($s, $flood . ws_frame('behind'));
    for ($n = 0; $n < 5000 && ($pong = ws_read($s)) === ['8a', "ping $n"]; $n++) {
    }
    echo "$n pongs, ", implode(' ', ws_read($s)), "\n";
};
foreach ([SWOOLE_BASE, SWOOLE_PROCESS] as $mode) {
    $server = new Swoole\WebSocket\Server('127.0.0.1', 0, $mode);
    $server->set(['worker_num' => 2, 'log_level' => SWOOLE_LOG_NONE]);
    $server->on('message', fn ($server, $frame) => $server->push($frame->fd, $frame->data, $frame->opcode));
    $parent = getmypid();
    if (!$pid = pcntl_fork()) {
        $port = $server->port;
        $driver();
        posix_kill($parent, SIGTERM);
        posix_kill(getmypid(), SIGKILL);
    }
    $server->start();
    pcntl_waitpid($pid, $status);
}
?>
--EXPECT--
1000 1001 1002 1003 1007 1008 1009 1010 1011 1012 1013 1014 3000 3999 4000 4999
0 1 125 126 127 65535 65536 split
03ef closed, 03ef closed, 5000 pongs, 81 behind
1000 1001 1002 1003 1007 1008 1009 1010 1011 1012 1013 1014 3000 3999 4000 4999
0 1 125 126 127 65535 65536 split
03ef closed, 03ef closed, 5000 pongs, 81 behind
