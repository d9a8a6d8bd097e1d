--TEST--
A worker that leaves runs its coroutines and one-shot timers to their ends, and names what it cuts off
--EXTENSIONS--
swoole
pcntl
posix
--FILE--
<?php
require __DIR__ . '/../inc/server.inc';
foreach (MODES as $name => $mode) {
    foreach (['reload', 'shutdown', 'stop'] as $how) {
        $lines = serve(function ($server, $journal) use ($how) {
            $server->set(['worker_num' => 2, 'max_wait_time' => 20]);
            $server->on('workerStop', fn ($server, $id) => $id === 0 && $journal->record('workerStop'));
            $server->on('receive', function ($server) use ($journal, $how) {
                go(function () use ($journal) {
                    for ($i = 0; $i < 3; $i++) {
                        Swoole\Coroutine::sleep(0.05);
                    }
                    $journal->record('coroutine ended');
                });
                Swoole\Timer::after(300, fn () => $journal->record('timer expired'));
                // Neither is waited for: one may never end, nothing will ever wake the other.
                Swoole\Timer::tick(10000, fn () => 1);
                go(fn () => Swoole\Coroutine::yield());
                $how === 'stop' ? $server->stop() : $server->$how();
            });
            $server->on('connect', fn () => 1);
        }, function ($ports, $journal) {
            fwrite($c = connect($ports[0]), 'begin');
            $journal->await('timer expired');
        }, $mode);
        echo "$name, $how: ", implode(', ', array_slice(array_values(array_unique(array_diff($lines, ['workerStop']))), 0)), "\n";
    }
}
$log = tempnam(sys_get_temp_dir(), 'log');
serve(function ($server, $journal) use ($log) {
    $server->set(['max_wait_time' => 1, 'log_file' => $log, 'log_level' => SWOOLE_LOG_WARNING]);
    $server->on('receive', function ($server) use ($journal) {
        go(function () { Swoole\Coroutine::sleep(60); });
        Swoole\Timer::after(60000, fn () => 1);
        $journal->record('begun');
    });
}, function ($ports, $journal) {
    fwrite($c = connect($ports[0]), 'begin');
    $journal->await('begun');
});
$text = file_get_contents($log);
foreach (['1 coroutines did not end', 'waits for the clock', '1 one-shot timers did not expire'] as $words) {
    echo str_contains($text, $words) ? "logged: $words" : $text, "\n";
}
unlink($log);
?>
--EXPECT--
process, reload: coroutine ended, timer expired
process, shutdown: coroutine ended, timer expired
process, stop: coroutine ended, timer expired
base, reload: coroutine ended, timer expired
base, shutdown: coroutine ended, timer expired
base, stop: coroutine ended, timer expired
logged: 1 coroutines did not end
logged: waits for the clock
logged: 1 one-shot timers did not expire
