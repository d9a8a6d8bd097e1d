--TEST--
HTTP: write, end, sendfile and push wait until the peer has taken enough; a body of which a part is missing ends with a reset
--EXTENSIONS--
swoole
pcntl
posix
--FILE--
<?php
ini_set('memory_limit', '512M');
require __DIR__ . '/../inc/http.inc';
require __DIR__ . '/../inc/server.inc';
foreach ([SWOOLE_BASE => 'base', SWOOLE_PROCESS => 'process'] as $mode => $title) {
    $journal = new Journal();
    $handler = function ($request, $response) use ($journal) {
        switch ($request->server['request_uri']) {
            case '/parts':
                for ($sent = $n = 0; $n < 300; $n++) {
                    $sent += $response->write(str_repeat('w', 100000)) === true;
                }
                $journal->record("$sent of 300 parts");
                return $response->end();
            case '/end': return $response->end(str_repeat('e', 5000000));
            case '/gone':
                while ($response->write(str_repeat('g', 1 << 20)));
                return $journal->record('the peer is gone');
        }
    };
    http_serve(['http_compression' => false, 'socket_buffer_size' => 1 << 20], $handler, function () use ($journal, $title) {
        fwrite($s = http_dial(), "GET /parts HTTP/1.1\r\nHost: a\r\n\r\n");
        usleep(100000);
        echo "$title: ", strlen(http_answer($s)[2]), " bytes in parts\n";
        $journal->await('300 of 300 parts');
        fwrite($s = http_dial(), str_repeat("GET /end HTTP/1.1\r\nHost: a\r\n\r\n", 6));
        usleep(100000);
        for ($sum = $n = 0; $n < 6; $n++) {
            $sum += strlen(http_answer($s)[2]);
        }
        echo "$title: $sum bytes of six answers\n";
        fwrite($s = http_dial(), "GET /gone HTTP/1.1\r\nHost: a\r\n\r\n");
        fread($s, 1000);
        fclose($s);
        $journal->await('the peer is gone');
        echo "$title: write fails when the peer is gone\n";
    }, $mode);
    // Without waits a part is lost.
    $handler = function ($request, $response) use ($journal) {
        for ($n = 0; $n < 300 && @$response->write(str_repeat('w', 100000)); $n++);
        $journal->record($n < 300 ? 'refused' : 'all');
        @$response->end();
        $journal->record('ended');
    };
    http_serve(['send_yield' => false, 'http_compression' => false, 'socket_buffer_size' => 1 << 20], $handler, function () use ($journal, $title) {
        fwrite($s = http_dial(), "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        $journal->await('ended');
        $all = '';
        while (!feof($s) && ($part = @fread($s, 1 << 16)) !== false && $part !== '') {
            $all .= $part;
        }
        echo "$title: the cut body has ", str_ends_with($all, "\r\n0\r\n\r\n") ? 'its end' : 'no end', "\n";
    }, $mode);
    $journal->end();
}
?>
--EXPECT--
base: 30000000 bytes in parts
base: 30000000 bytes of six answers
base: write fails when the peer is gone
base: the cut body has no end
process: 30000000 bytes in parts
process: 30000000 bytes of six answers
process: write fails when the peer is gone
process: the cut body has no end
