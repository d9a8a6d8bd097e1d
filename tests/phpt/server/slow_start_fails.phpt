--TEST--
A worker whose workerStart takes its time and fails is restarted with growing delays too
--EXTENSIONS--
swoole
pcntl
--FILE--
<?php
$log = tempnam(sys_get_temp_dir(), 'starts');
$child = pcntl_fork();
if ($child === 0) {
    ini_set('display_errors', 0);
    ini_set('log_errors', 0);
    $starts = new Swoole\Atomic;
    $server = new Swoole\Server('127.0.0.1', 0, SWOOLE_PROCESS);
    $server->set(['worker_num' => 1, 'log_file' => $log, 'log_level' => SWOOLE_LOG_WARNING]);
    $server->on('receive', fn () => null);
    $server->on('workerStart', function ($server) use ($starts) {
        if ($starts->add() === 3) {
            return $server->shutdown();
        }
        usleep(150000);
        throw new Exception;
    });
    $server->start();
    exit(0);
}
pcntl_waitpid($child, $status);
preg_match_all('/times in a row.*/', file_get_contents($log), $found);
echo count($found[0]) > 0 ? 'delayed' : file_get_contents($log), "\n";
unlink($log);
?>
--EXPECT--
delayed
