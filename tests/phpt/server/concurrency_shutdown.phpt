--TEST--
A server shuts down although queued requests wait for one that never ends
--EXTENSIONS--
swoole
pcntl
posix
--FILE--
<?php
require __DIR__ . '/../inc/server.inc';
foreach (MODES as $name => $mode) {
    $begin = microtime(true);
    echo "$name: ", implode(', ', serve(function ($server, $journal) {
        $server->set(['worker_max_concurrency' => 1, 'max_wait_time' => 1, 'log_level' => SWOOLE_LOG_NONE]);
        $server->on('receive', function ($server, $fd, $reactor, $data) use ($journal) {
            $journal->record("$data begins");
            Swoole\Coroutine::yield();
        });
        $server->on('workerStop', fn () => $journal->record('worker stops'));
    }, function ($ports, $journal) {
        foreach (['one', 'two', 'three'] as $data) {
            fwrite($all[] = connect($ports[0]), $data);
            $journal->await('one');
        }
        usleep(50000);
    }, $mode)), microtime(true) - $begin < 8 ? '' : ' late', "\n";
}
?>
--EXPECT--
process: one begins, worker stops
base: one begins, worker stops
