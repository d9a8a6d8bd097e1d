--TEST--
A server's events run in the expected processes and order
--EXTENSIONS--
swoole
pcntl
posix
--FILE--
<?php
require __DIR__ . '/../inc/server.inc';
foreach (MODES as $name => $mode) {
    $lines = serve(function ($server, $journal) {
        $server->set(['worker_num' => 2, 'task_worker_num' => 1]);
        $where = function ($server) {
            $own = getmypid();
            return match (true) {
                $own === $server->worker_pid => ($server->taskworker ? 'task worker ' : 'worker ') . $server->worker_id,
                $own === $server->manager_pid => 'manager',
                $own === $server->master_pid => 'master',
                default => 'elsewhere',
            };
        };
        foreach (['start', 'shutdown', 'beforeShutdown', 'managerStart', 'managerStop', 'workerStart', 'workerStop', 'beforeReload', 'afterReload'] as $event) {
            $server->on($event, fn ($server) => $journal->record("$event in the " . $where($server)));
        }
        $server->on('Connect', fn ($server, $fd) => $journal->record("connect $fd"));
        $server->on('CLOSE', fn ($server, $fd) => $journal->record("close $fd"));
        $server->on('task', fn () => null);
        $server->on('receive', function ($server, $fd, $reactor, $data) {
            $server->send($fd, $data);
        });
    }, function ($ports, $journal) {
        $c = connect($ports[0]);
        $journal->record('answer ' . ask($c, 'hello'));
        fclose($c);
        usleep(100000);
    }, $mode);
    // Processes that start and end together do so in any order.
    $before = array_filter($lines, fn ($line) => preg_match('/^(start|managerStart|workerStart)/', $line));
    sort($before);
    $middle = array_values(preg_grep('/^(connect|answer|close)/', $lines));
    $stops = preg_grep('/^workerStop/', $lines);
    sort($stops);
    echo "$name\n", implode("\n", [...$before, ...$middle, ...$stops]), "\n";
    $at = fn ($line) => array_search($line, $lines);
    $last = $mode === SWOOLE_PROCESS ? 'master' : 'manager';
    foreach (preg_grep('/hutdown|managerStop/', $lines) as $line) {
        echo "$line\n";
    }
}
?>
--EXPECT--
process
managerStart in the manager
start in the master
workerStart in the task worker 2
workerStart in the worker 0
workerStart in the worker 1
connect 1
answer hello
close 1
workerStop in the task worker 2
workerStop in the worker 0
workerStop in the worker 1
beforeShutdown in the master
managerStop in the manager
shutdown in the master
base
managerStart in the manager
start in the master
workerStart in the task worker 2
workerStart in the worker 0
workerStart in the worker 1
connect 1
answer hello
close 1
workerStop in the task worker 2
workerStop in the worker 0
workerStop in the worker 1
beforeShutdown in the worker 0
managerStop in the manager
shutdown in the manager
