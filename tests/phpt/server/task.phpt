--TEST--
Tasks carry values of every kind; results come by return and finish; callbacks, waiting, queues and messages work
--EXTENSIONS--
swoole
pcntl
posix
--FILE--
<?php
require __DIR__ . '/../inc/server.inc';
class Point
{
    public function __construct(public int $x, public array $y = []) {}
}
foreach ([['process', SWOOLE_PROCESS, 1], ['base', SWOOLE_BASE, 1], ['process, System V queue', SWOOLE_PROCESS, 2]] as [$name, $mode, $ipc]) {
    echo "$name\n", implode("\n", serve(function ($server, $journal) use ($ipc) {
        $server->set(['task_worker_num' => 2, 'worker_num' => 2, 'task_ipc_mode' => $ipc, 'message_queue_key' => 0x53570000 + getmypid() % 65536]);
        $server->on('task', function ($server, $id, $from, $data) {
            if ($data === 'by finish') {
                $server->finish(['finished', is_int($from)]);
                return null;
            }
            if ($data === 'slow') {
                usleep(1000000);
            }
            if ($data === 'message') {
                return $server->sendMessage(['in', 'a', 'message'], $from);
            }
            return $data;
        });
        $server->on('pipeMessage', fn ($server, $from, $data) => $journal->record('message from ' . ($from >= 2 ? 'a task worker ' : "worker $from ") . json_encode($data)));
        $server->on('finish', fn ($server, $id, $data) => $journal->record('finish ' . (is_string($data) && strlen($data) > 100 ? strlen($data) . ' ' . md5($data) : json_encode($data))));
        $server->on('receive', function ($server, $fd, $reactor, $data) use ($journal) {
            if ($data === 'wait') {
                $journal->record('taskwait ' . json_encode([$server->taskwait(['a' => 1.5]), $server->taskwait('slow', 0.1), $server->taskwait(new Point(3, ['k' => null]))]));
                usleep(1200000);
                $journal->record('taskWaitMulti ' . json_encode($server->taskWaitMulti(['one', 'slow'], 0.7)));
                usleep(1200000);
                $journal->record('taskCo ' . json_encode($server->taskCo(['one', 2, [3]], 5)));
            } elseif ($data === 'message') {
                $server->task('message', 0);
                usleep(400000);
            } elseif ($data === 'callback') {
                $server->task('own', -1, function ($server, $id, $data) use ($journal, $fd) {
                    $journal->record("own callback $data");
                    $server->send($fd, 'done');
                });
                return;
            } else {
                foreach (['text', '', 0, -1, 1.25, true, null, [1, ['k' => 'v']], new Point(1), 'by finish'] as $value) {
                    $journal->record('taskwait gives ' . json_encode($server->taskwait($value, $value === null ? 0.2 : 5)));
                }
                $server->task(str_repeat('big', 1_000_000), 1);
                usleep(400000);
            }
            $server->send($fd, 'done');
        });
    }, function ($ports, $journal) {
        $c = connect($ports[0]);
        ask($c, 'values');
        $journal->await('finish 3000000');
        ask($c, 'message');
        $journal->await('finish true');
        ask($c, 'callback');
        ask($c, 'wait');
    }, $mode)), "\n";
}
?>
--EXPECT--
process
taskwait gives "text"
taskwait gives ""
taskwait gives 0
taskwait gives -1
taskwait gives 1.25
taskwait gives true
taskwait gives false
taskwait gives [1,{"k":"v"}]
taskwait gives {"x":1,"y":[]}
taskwait gives ["finished",true]
finish 3000000 dbeb48f670fe49e655ddd0638400055d
message from a task worker ["in","a","message"]
finish true
own callback own
taskwait [{"a":1.5},false,{"x":3,"y":{"k":null}}]
taskWaitMulti ["one"]
taskCo ["one",2,[3]]
base
taskwait gives "text"
taskwait gives ""
taskwait gives 0
taskwait gives -1
taskwait gives 1.25
taskwait gives true
taskwait gives false
taskwait gives [1,{"k":"v"}]
taskwait gives {"x":1,"y":[]}
taskwait gives ["finished",true]
finish 3000000 dbeb48f670fe49e655ddd0638400055d
message from a task worker ["in","a","message"]
finish true
own callback own
taskwait [{"a":1.5},false,{"x":3,"y":{"k":null}}]
taskWaitMulti ["one"]
taskCo ["one",2,[3]]
process, System V queue
taskwait gives "text"
taskwait gives ""
taskwait gives 0
taskwait gives -1
taskwait gives 1.25
taskwait gives true
taskwait gives false
taskwait gives [1,{"k":"v"}]
taskwait gives {"x":1,"y":[]}
taskwait gives ["finished",true]
finish 3000000 dbeb48f670fe49e655ddd0638400055d
message from a task worker ["in","a","message"]
finish true
own callback own
taskwait [{"a":1.5},false,{"x":3,"y":{"k":null}}]
taskWaitMulti ["one"]
taskCo ["one",2,[3]]
