--TEST--
HTTP: a response does not wait for the handlers of later pipelined requests that take long
--EXTENSIONS--
swoole
pcntl
posix
--FILE--
<?php
require __DIR__ . '/../inc/http.inc';
$seen = sys_get_temp_dir() . '/pipelined' . getmypid();
foreach ([SWOOLE_BASE, SWOOLE_PROCESS] as $mode) {
    http_serve(['enable_coroutine' => false, 'worker_num' => 1], function ($request, $response) use ($seen) {
        if ($request->server['request_uri'] === '/work') {
            usleep(2000);
        }
        if ($request->server['request_uri'] === '/wait') {
            // Until the client has reported that it got the response before.
            for ($n = 0; $n < 1000 && !is_file($seen); $n++) {
                clearstatcache();
                usleep(5000);
            }
            return $response->end($n < 1000 ? 'the one before has come' : 'the one before has not come');
        }
        $response->end('done');
    }, function () use ($seen) {
        $s = http_dial();
        fwrite($s, str_repeat("GET /work HTTP/1.1\r\nHost: a\r\n\r\n", 3));
        echo http_answer($s)[2], ' ', http_answer($s)[2], ' ', http_answer($s)[2], "\n";
        fwrite($s, "GET /work HTTP/1.1\r\nHost: a\r\n\r\nGET /wait HTTP/1.1\r\nHost: a\r\n\r\n");
        echo http_answer($s)[2], "\n";
        touch($seen);
        echo http_answer($s)[2], "\n";
        unlink($seen);
    }, $mode);
}
?>
--EXPECT--
done done done
done
the one before has come
done done done
done
the one before has come
