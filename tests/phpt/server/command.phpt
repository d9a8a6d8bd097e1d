--TEST--
Server::addCommand and command run code in another process and return its reply to the master
--EXTENSIONS--
swoole
pcntl
posix
--FILE--
<?php
require __DIR__ . '/../inc/server.inc';

foreach (MODES as $name => $mode) {
    echo "-- $name\n", implode("\n", serve(function (Swoole\Server $s, Journal $journal) {
        $s->set(['worker_num' => 2, 'task_worker_num' => 1]);
        $all = SWOOLE_SERVER_COMMAND_MASTER | SWOOLE_SERVER_COMMAND_MANAGER | SWOOLE_SERVER_COMMAND_EVENT_WORKER | SWOOLE_SERVER_COMMAND_TASK_WORKER;
        $journal->record('added ' . json_encode([
            $s->addCommand('who', $all, fn ($server, $data) => json_encode(['pid' => getmypid(), 'id' => $server->worker_id, 'data' => $data])),
            @$s->addCommand('who', $all, fn () => ''),
            $s->addCommand('count', SWOOLE_SERVER_COMMAND_MANAGER, function () use (&$ticks) {
                return json_encode($ticks > 0);
            }),
            $s->addCommand('long', SWOOLE_SERVER_COMMAND_MANAGER, fn ($server, $data) => md5($data)),
            $s->addCommand('text', SWOOLE_SERVER_COMMAND_EVENT_WORKER, fn ($server, $data) => str_repeat('x', $data)),
        ]));
        // State that its other callbacks have created is available.
        $s->on('managerstart', function ($s) use (&$ticks) {
            $s->tick(5, function () use (&$ticks) {
                $ticks++;
            });
        });
        $s->on('task', fn () => null);
        $s->on('receive', function ($s, $fd) {
            // In base mode the first worker is also the master, and may send commands.
            $s->send($fd, json_encode(getmypid() !== $s->getMasterPid() && @$s->command('who', 0, SWOOLE_SERVER_COMMAND_EVENT_WORKER, null)));
        });
        $begin = function ($s) use ($journal) {
            $s->after(50, function () use ($s, $journal) {
                $one = $s->command('who', 0, SWOOLE_SERVER_COMMAND_MASTER, ['a' => [1]]);
                $journal->record('master ' . json_encode([$one['pid'] === $s->getMasterPid(), $one['data']]));
                foreach ([0, 1] as $id) {
                    $one = $s->command('who', $id, SWOOLE_SERVER_COMMAND_EVENT_WORKER, "to $id");
                    $journal->record('worker ' . json_encode([$one['pid'] === $s->getWorkerPid($id), $one['id'], $one['data']]));
                }
                $one = $s->command('who', 2, SWOOLE_SERVER_COMMAND_TASK_WORKER, null);
                $journal->record('task worker ' . json_encode([$one['pid'] === $s->getWorkerPid(2), $one['id']]));
                $one = $s->command('who', 0, SWOOLE_SERVER_COMMAND_MANAGER, str_repeat('x', 1000));
                $journal->record('manager ' . json_encode([$one['pid'] === $s->getManagerPid(), $one['id'], strlen($one['data'])]));
                for ($i = 0; $i < 1000 && !$s->command('count', 0, SWOOLE_SERVER_COMMAND_MANAGER, null); $i++) {
                    usleep(5000);
                }
                $data = random_bytes(300000);
                $journal->record('manager ' . json_encode([$s->command('count', 0, SWOOLE_SERVER_COMMAND_MANAGER, null), $s->command('long', 0, SWOOLE_SERVER_COMMAND_MANAGER, $data, false) === md5($data)]));
                foreach ([0, 1, 65535, 65536, 65537, 100000, 3000000] as $length) {
                    $journal->record('long ' . strlen($s->command('text', 0, SWOOLE_SERVER_COMMAND_EVENT_WORKER, $length, false)));
                }
                $journal->record('no ' . json_encode([
                    @$s->command('nothing', 0, SWOOLE_SERVER_COMMAND_EVENT_WORKER, null),
                    @$s->command('text', 0, SWOOLE_SERVER_COMMAND_MASTER, null),
                    @$s->command('who', 9, SWOOLE_SERVER_COMMAND_EVENT_WORKER, null),
                    @$s->command('who', -1, SWOOLE_SERVER_COMMAND_EVENT_WORKER, null),
                    @$s->command('text', 0, SWOOLE_SERVER_COMMAND_MANAGER, null),
                    @$s->command('who', 0, SWOOLE_SERVER_COMMAND_REACTOR_THREAD, null),
                ]));
                $journal->record('over');
            });
        };
        $s->on('start', $begin);
    }, function ($ports, Journal $journal) {
        $journal->await('over');
        $journal->record('a worker ' . ask(connect($ports[0]), 'x'));
    }, $mode)), "\n";
}

echo "-- one process\n", implode("\n", serve(function (Swoole\Server $s, Journal $journal) {
    $s->addCommand('who', SWOOLE_SERVER_COMMAND_EVENT_WORKER | SWOOLE_SERVER_COMMAND_MANAGER, fn ($server, $data) => json_encode($data));
    $s->on('receive', function ($s, $fd, $reactor, $data) {
        $s->send($fd, json_encode([$s->command('who', 0, SWOOLE_SERVER_COMMAND_EVENT_WORKER, $data), @$s->command('who', 0, SWOOLE_SERVER_COMMAND_MANAGER, $data)]));
    });
}, fn ($ports, Journal $journal) => $journal->record(ask(connect($ports[0]), 'x')), SWOOLE_BASE)), "\n";
?>
--EXPECT--
-- process
added [true,false,true,true,true]
master [true,{"a":[1]}]
worker [true,0,"to 0"]
worker [true,1,"to 1"]
task worker [true,2]
manager [true,-1,1000]
manager [true,true]
long 0
long 1
long 65535
long 65536
long 65537
long 100000
long 3000000
no [false,false,false,false,false,false]
over
a worker false
-- base
added [true,false,true,true,true]
master [true,{"a":[1]}]
worker [true,0,"to 0"]
worker [true,1,"to 1"]
task worker [true,2]
manager [true,-1,1000]
manager [true,true]
long 0
long 1
long 65535
long 65536
long 65537
long 100000
long 3000000
no [false,false,false,false,false,false]
over
a worker false
-- one process
["x",false]
