--TEST--
HTTP: request_deadline without coroutines has no effect, and one warning says so
--EXTENSIONS--
swoole
pcntl
posix
--FILE--
<?php
require __DIR__ . '/../inc/http.inc';
$log = tempnam(sys_get_temp_dir(), 'log');
http_serve(['request_deadline' => 0.01, 'enable_coroutine' => false, 'worker_num' => 2, 'log_level' => SWOOLE_LOG_WARNING, 'log_file' => $log], function ($request, $response) {
    usleep(50000);
    $response->end('no limit');
}, function () {
    echo http_ask('GET / HTTP/1.1')[2], "\n";
});
echo preg_match_all('/request_deadline has no effect/', file_get_contents($log)), "\n";
unlink($log);
?>
--EXPECT--
no limit
1
