--TEST--
Waiting for tasks suspends the coroutine, not the worker, and the first result of a task is its only one
--EXTENSIONS--
swoole
pcntl
posix
--FILE--
<?php
require __DIR__ . '/../inc/server.inc';
foreach (MODES as $name => $mode) {
    foreach ([false, true] as $apart) {
        $lines = serve(function ($server, $journal) use ($apart) {
            $port = $server->port;
            $server->set(['worker_num' => 1, 'task_worker_num' => 3, 'task_enable_coroutine' => $apart]);
            $answer = function ($data, $finish) use ($port) {
                if ($data === 'ask') {
                    // The server itself: it answers only while its worker does not wait here.
                    $c = stream_socket_client("tcp://127.0.0.1:$port");
                    stream_set_timeout($c, 5);
                    fwrite($c, 'ping');
                    return fread($c, 100);
                }
                $first = $finish("$data one");
                return [$first, $finish("$data two")] === [true, false] ? "$data return" : 'not refused';
            };
            $server->on('task', $apart
                ? fn ($server, $task) => $answer($task->data, fn ($value) => $task->finish($value))
                : fn ($server, $id, $worker, $data) => $answer($data, fn ($value) => $server->finish($value)));
            $server->on('finish', fn ($server, $id, $data) => $journal->record("finish $data"));
            $server->on('receive', function ($server, $fd, $reactor, $data) use ($journal) {
                if ($data === 'ping') {
                    return $server->send($fd, 'pong');
                }
                $ticks = 0;
                $timer = Swoole\Timer::tick(1, function () use (&$ticks) { $ticks++; });
                $journal->record('taskwait ' . json_encode([$server->taskwait('ask', 8), $server->taskwait('x', 8)]));
                $journal->record('taskCo ' . json_encode($server->taskCo(['ask', 'a', 'b'], 8)));
                $journal->record('taskWaitMulti ' . json_encode($server->taskWaitMulti(['a', 'ask'], 8)));
                Swoole\Timer::clear($timer);
                $journal->record($ticks > 0 ? 'timers ran' : 'no timer ran');
                $server->task('plain');
            });
        }, function ($ports, $journal) {
            fwrite($c = connect($ports[0]), 'begin');
            $journal->await('finish plain');
        }, $mode);
        echo $name, $apart ? ', coroutines' : '', "\n  ", implode("\n  ", $lines), "\n";
    }
}
?>
--EXPECT--
process
  taskwait ["pong","x one"]
  taskCo ["pong","a one","b one"]
  taskWaitMulti ["a one","pong"]
  timers ran
  finish plain one
process, coroutines
  taskwait ["pong","x one"]
  taskCo ["pong","a one","b one"]
  taskWaitMulti ["a one","pong"]
  timers ran
  finish plain one
base
  taskwait ["pong","x one"]
  taskCo ["pong","a one","b one"]
  taskWaitMulti ["a one","pong"]
  timers ran
  finish plain one
base, coroutines
  taskwait ["pong","x one"]
  taskCo ["pong","a one","b one"]
  taskWaitMulti ["a one","pong"]
  timers ran
  finish plain one
