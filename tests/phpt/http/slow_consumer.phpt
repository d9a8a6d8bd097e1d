--TEST--
slow_consumer and HTTP: a response whose end does not fit ends with its connection; a refused part may be written again
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
    foreach (['drop', 'close'] as $policy) {
        $journal = new Journal();
        $handler = function ($request, $response) use ($journal, $policy) {
            switch ($request->server['request_uri']) {
                case '/long': return $response->end(str_repeat('x', 24 << 20));
                case '/end': $sent = $response->end(str_repeat('y', 1 << 20)); break;
                case '/sendfile': $sent = $response->sendfile(__FILE__); break;
                case '/never': return $journal->record('a request too many');
                default:
                    for ($tries = 1; !$response->write('part') && $policy === 'drop'; $tries++) {
                        Swoole\Coroutine::sleep(0.001);
                    }
                    $sent = $response->end();
                    $journal->record($tries > 1 ? 'refused at first' : 'once');
            }
            $journal->record(var_export($sent, true));
        };
        http_serve(['slow_consumer' => $policy, 'send_yield' => false, 'socket_buffer_size' => 1 << 16, 'http_compression' => false], $handler, function () use ($journal, $title, $policy) {
            foreach (['end', 'sendfile'] as $last) {
                fwrite($s = http_dial(), "GET /long HTTP/1.1\r\nHost: a\r\n\r\nGET /$last HTTP/1.1\r\nHost: a\r\n\r\nGET /never HTTP/1.1\r\nHost: a\r\n\r\n");
                $journal->await("false");
                $all = @stream_get_contents($s);
                $length = strlen(explode("\r\n\r\n", $all, 2)[1]);
                echo "$title, $policy, $last: refused, the first answer ", $length === 24 << 20 ? 'whole' : 'torn', ', ', feof($s) ? 'the end' : 'open', "\n";
                file_put_contents((fn () => $this->file)->call($journal), '');
            }
            // A body in parts after a long response that is read late.
            fwrite($s = http_dial(), "GET /long HTTP/1.1\r\nHost: a\r\n\r\nGET /parts HTTP/1.1\r\nHost: a\r\n\r\n");
            usleep(200000);
            if ($policy === 'drop') {
                echo strlen(http_answer($s)[2]), ' ', http_answer($s)[2], "\n";
            } else {
                $journal->await('once');
                echo strlen(@stream_get_contents($s)) < 24 << 20 ? 'torn' : 'whole', "\n";
            }
            echo implode(', ', $journal->end()), "\n";
        }, $mode);
    }
}
?>
--EXPECT--
base, drop, end: refused, the first answer whole, the end
base, drop, sendfile: refused, the first answer whole, the end
25165824 part
refused at first, true
base, close, end: refused, the first answer torn, the end
base, close, sendfile: refused, the first answer torn, the end
torn
once, false
process, drop, end: refused, the first answer whole, the end
process, drop, sendfile: refused, the first answer whole, the end
25165824 part
refused at first, true
process, close, end: refused, the first answer torn, the end
process, close, sendfile: refused, the first answer torn, the end
torn
once, false