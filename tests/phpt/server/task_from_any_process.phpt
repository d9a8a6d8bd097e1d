--TEST--
task() works in the master, the manager and user processes; finish() refuses results for them, because they have no finish event
--EXTENSIONS--
swoole
pcntl
posix
--FILE--
<?php
require __DIR__ . '/../inc/server.inc';
foreach (MODES as $name => $mode) {
    $lines = serve(function ($server, $journal) use ($mode) {
        $server->set(['task_worker_num' => 1, 'log_level' => SWOOLE_LOG_NONE]);
        $give = function (string $who) use ($server, $journal) {
            $journal->record("$who gives task " . json_encode(@$server->task($who)));
        };
        $server->on('receive', fn () => null);
        $server->on('finish', fn ($server, $id, $data) => $journal->record("finish event of $data"));
        $mode === SWOOLE_PROCESS && $server->on('start', fn () => $give('master'));
        $server->on('managerStart', fn () => $give('manager'));
        $server->on('workerStart', fn ($server, $id) => $id === 0 && $give('worker'));
        $server->addProcess(new Swoole\Process(function () use ($give) {
            $give('user process');
            sleep(60);
        }));
        $server->on('task', function ($server, $id, $source, $data) use ($journal) {
            $journal->record("$data: task $id, finish " . json_encode(@$server->finish($data)));
        });
    }, function ($ports, $journal) use ($mode) {
        foreach (array_filter([$mode === SWOOLE_PROCESS ? 'master' : null, 'manager', 'worker', 'user process']) as $who) {
            $journal->await("$who: task");
        }
        $journal->await('finish event of worker');
    }, $mode);
    sort($lines);
    echo "-- $name\n", implode("\n", $lines), "\n";
}
?>
--EXPECT--
-- process
finish event of worker
manager gives task 0
manager: task 0, finish false
master gives task 0
master: task 0, finish false
user process gives task 0
user process: task 0, finish false
worker gives task 0
worker: task 0, finish true
-- base
finish event of worker
manager gives task 0
manager: task 0, finish false
user process gives task 0
user process: task 0, finish false
worker gives task 0
worker: task 0, finish true
