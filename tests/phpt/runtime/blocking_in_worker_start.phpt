--TEST--
swoole.blocking_detection watches workerStart too, with and without coroutines, and says that a threshold is not usable
--EXTENSIONS--
swoole
--INI--
swoole.blocking_detection=1
swoole.blocking_threshold=often
--FILE--
<?php
$log = tempnam(sys_get_temp_dir(), 'blocking');
function computes(): void
{
    for ($end = hrtime(true) + 250_000_000; hrtime(true) < $end;);
}
foreach ([true, false] as $coroutine) {
    $child = pcntl_fork();
    if ($child === 0) {
        $server = new Swoole\Server('127.0.0.1', 0, SWOOLE_PROCESS);
        $server->set(['worker_num' => 1, 'log_file' => $log, 'log_level' => SWOOLE_LOG_WARNING, 'enable_coroutine' => $coroutine]);
        $server->on('receive', fn () => null);
        $server->on('workerStart', function ($server) {
            computes();
            $server->shutdown();
        });
        $server->start();
        exit(0);
    }
    pcntl_waitpid($child, $status);
    echo preg_replace(['/^\[.*?\]\t/m', '/is at .*/', '/for \d+ /', '/^#\d+ (?!.*computes).*\n/m', '~#\d+ /\S+/~', '/\(\d+\)/'], ['', 'is at LINE', 'for N ', '', '#0 ', ''], file_get_contents($log));
    file_put_contents($log, '');
}
unlink($log);
?>
--EXPECT--
WARNING	swoole.blocking_threshold is "often": give a number of microseconds from 1; 100000 is used
WARNING	coroutine 1 has held the event loop for N ms, and is at LINE
#0 blocking_in_worker_start.php: computes()
WARNING	swoole.blocking_threshold is "often": give a number of microseconds from 1; 100000 is used
WARNING	a callback has held the event loop for N ms, and is at LINE
#0 blocking_in_worker_start.php: computes()
