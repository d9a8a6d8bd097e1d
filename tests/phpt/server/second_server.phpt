--TEST--
A second server in one process has its own log, workers and port
--EXTENSIONS--
swoole
pcntl
posix
--FILE--
<?php
require __DIR__ . '/../inc/http.inc';
$log = tempnam(sys_get_temp_dir(), 'log');
$more = ['worker_num' => 2, 'log_level' => SWOOLE_LOG_WARNING, 'log_file' => $log];
foreach ([[[], SWOOLE_BASE], [$more, SWOOLE_BASE], [$more, SWOOLE_PROCESS], [[], SWOOLE_BASE], [$more, SWOOLE_BASE]] as [$settings, $mode]) {
    http_serve($settings, fn ($request, $response) => $response->end('served'), function () {
        echo http_ask('GET / HTTP/1.1')[2], "\n";
    }, $mode);
}
echo file_get_contents($log);
unlink($log);
?>
--EXPECT--
served
served
served
served
served
