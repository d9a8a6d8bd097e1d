--TEST--
A port that is given all settings of its server causes no notice; a setting that only the port has, or another value, does
--EXTENSIONS--
swoole
pcntl
--FILE--
<?php
$log = tempnam(sys_get_temp_dir(), 'log');
$common = ['worker_num' => 1, 'task_worker_num' => 0, 'enable_coroutine' => true, 'pid_file' => "$log.pid", 'max_request' => 1000, 'log_file' => $log];
$server = new Swoole\Server('127.0.0.1', 0, SWOOLE_BASE);
$server->set($common);
$port = $server->listen('127.0.0.1', 0, SWOOLE_SOCK_TCP);
$port->set(['open_eof_split' => true, 'package_eof' => "\n"] + $common);
$other = $server->listen('127.0.0.1', 0, SWOOLE_SOCK_TCP);
$other->set(['worker_num' => 2, 'max_coroutine' => 50] + $common);
foreach ([$server, $port, $other] as $each) {
    $each->on('receive', function () {});
}
$server->on('workerStart', fn () => $server->shutdown());
if (!pcntl_fork()) {
    $server->start();
    exit;
}
pcntl_wait($status);
preg_match_all('/NOTICE\s+(.*)/', file_get_contents($log), $notices);
echo implode("\n", $notices[1]), "\n";
@unlink($log);
?>
--EXPECT--
setting worker_num has no effect: it is set for the whole server, not for a port
setting max_coroutine has no effect: it is set for the whole server, not for a port
