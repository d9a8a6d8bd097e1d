--TEST--
HTTP: uploads of requests that the program still holds are removed when their worker ends; a 500 has no fields of the content that was not sent
--EXTENSIONS--
swoole
pcntl
posix
--FILE--
<?php
require __DIR__ . '/../inc/http.inc';
require __DIR__ . '/../inc/server.inc';
foreach ([[SWOOLE_BASE, 2], [SWOOLE_PROCESS, 1]] as [$mode, $workers]) {
    $folder = sys_get_temp_dir() . '/uploads' . getmypid();
    mkdir($folder);
    $journal = new Journal();
    $handler = function ($request, $response) use ($folder, $journal) {
        static $kept = [];
        $kept[] = $request;
        if ($request->server['request_uri'] === '/fails') {
            $response->header('Content-Encoding', 'gzip');
            $response->header('ETag', '"a"');
            $response->header('X-Own', 'kept');
            return;
        }
        $request->header = [$request];
        $response->end(count(glob("$folder/swoole.upfile.*")) . ' stored');
    };
    $setup = fn ($server) => $server->on('workerStop', fn () => $journal->record('stopped'));
    http_serve(['worker_num' => $workers, 'upload_tmp_dir' => $folder], $handler, function () use ($folder, $journal, $workers) {
        $body = "--x\r\nContent-Disposition: form-data; name=f; filename=a\r\n\r\ncontent\r\n--x--\r\n";
        fwrite($s = http_dial(), "POST / HTTP/1.1\r\nHost: a\r\nContent-Type: multipart/form-data; boundary=x\r\nContent-Length: " . strlen($body) . "\r\n\r\n$body");
        echo http_answer($s)[2], "\n";
        fwrite($s = http_dial(), "GET /fails HTTP/1.1\r\nHost: a\r\n\r\n");
        [$status, $headers] = http_answer($s);
        ksort($headers);
        echo "$status: ", implode(' ', array_keys($headers)), "\n";
        posix_kill(posix_getppid(), SIGUSR1);
        wait_for(fn () => $journal->count('stopped') >= $workers && !glob("$folder/swoole.upfile.*"));
        echo count(glob("$folder/swoole.upfile.*")), " left\n";
        rmdir($folder);
    }, $mode, $setup);
}
?>
--EXPECT--
1 stored
HTTP/1.1 500 Internal Server Error: connection content-length content-type date server x-own
0 left
1 stored
HTTP/1.1 500 Internal Server Error: connection content-length content-type date server x-own
0 left
