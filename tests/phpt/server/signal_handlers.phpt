--TEST--
A handler of Process::signal replaces the server's own in every process, and a server with handlers ends
--EXTENSIONS--
swoole
pcntl
posix
--FILE--
<?php
require __DIR__ . '/../inc/server.inc';
foreach (MODES as $name => $mode) {
    $lines = serve(function ($server, $journal) {
        $server->set(['worker_num' => 2]);
        $server->on('receive', fn () => 1);
        $handle = fn ($who) => Swoole\Process::signal(SIGINT, fn () => $journal->record("SIGINT in the $who")) ?: $journal->record("refused in the $who");
        $server->on('start', fn () => $handle('master'));
        $server->on('managerStart', fn () => [$handle('manager'), $journal->record('manager ' . getmypid())]);
        $server->on('workerStart', fn ($server, $id) => [Swoole\Process::signal(SIGTERM, function () use ($journal, $server, $id) {
            $journal->record("SIGTERM in worker $id");
            Swoole\Process::signal(SIGTERM, null);
            $server->stop();
        }), $handle("worker $id"), $journal->record("worker $id " . getmypid())]);
    }, function ($ports, $journal) {
        foreach (['manager', 'worker 0', 'worker 1'] as $who) {
            $journal->await("$who ");
            $lines = file_get_contents((new ReflectionProperty($journal, 'file'))->getValue($journal));
            preg_match("/^$who (\\d+)$/m", $lines, $found);
            posix_kill((int) $found[1], SIGINT);
            $journal->await("SIGINT in the $who");
        }
    }, $mode);
    $lines = preg_grep('/^(manager|worker \d) \d+$/', $lines, PREG_GREP_INVERT);
    sort($lines);
    echo "$name: ", implode(', ', $lines), "\n";
}
// A script goes on behind a server whose worker ran in its own process and handled a signal.
$server = new Swoole\Server('127.0.0.1', 0, SWOOLE_BASE);
$server->on('receive', fn () => 1);
$server->on('workerStart', function ($server) {
    echo $server->setting['worker_num'], ' worker ', getmypid() === $GLOBALS['own'] ? 'in this process' : 'elsewhere', "\n";
    Swoole\Process::signal(SIGUSR1, fn () => 1);
    Swoole\Timer::after(1, fn () => $server->shutdown());
});
$own = getmypid();
$server->start();
echo "start() returned\n";
?>
--EXPECT--
process: SIGINT in the manager, SIGINT in the worker 0, SIGINT in the worker 1, SIGTERM in worker 0, SIGTERM in worker 1
base: SIGINT in the manager, SIGINT in the worker 0, SIGINT in the worker 1, SIGTERM in worker 0, SIGTERM in worker 1
1 worker in this process
start() returned
