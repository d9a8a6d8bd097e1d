--TEST--
HTTP: a file that is removed or replaced right after sendfile() is sent as it was
--EXTENSIONS--
swoole
pcntl
posix
--FILE--
<?php
require __DIR__ . '/../inc/http.inc';
foreach ([SWOOLE_BASE, SWOOLE_PROCESS] as $mode) {
    http_serve([], function ($request, $response) {
        $path = tempnam(sys_get_temp_dir(), 'sent');
        file_put_contents($path, 'as it was');
        if ($request->server['request_uri'] === '/replaced') {
            file_put_contents("$path.new", 'replaced!');
        }
        $response->sendfile($path, 0, -1);
        @rename("$path.new", $path);
        unlink($path);
    }, function () {
        $whole = 0;
        for ($n = 0; $n < 50; $n++) {
            foreach (['removed', 'replaced'] as $kind) {
                fwrite($s = http_dial(), "GET /$kind HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
                $whole += http_answer($s)[2] === 'as it was';
            }
        }
        echo "$whole of 100\n";
    }, $mode);
}
?>
--EXPECT--
100 of 100
100 of 100
