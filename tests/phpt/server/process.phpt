--TEST--
addProcess keeps a user process alive, with pipe, messages, reload, stop and worker ids
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
        $runs = new Swoole\Atomic();
        $process = new Swoole\Process(function ($process) use ($server, $journal, $runs) {
            if ($runs->add() === 1) {
                $journal->record('1 the process begins, and exits');
                $process->exit(3);
            }
            $journal->record('2 it was started again, message sent ' . json_encode($server->sendMessage('from the process', 1)));
            $journal->record('4 it reads ' . $process->read());
            sleep(10);
        }, false, SOCK_DGRAM);
        $server->addProcess($process);
        $server->on('pipeMessage', fn ($server, $from, $data) => $journal->record("3 worker {$server->worker_id} gets '$data' of process $from, writes " . $process->write('to the process')));
        $server->on('workerError', fn ($server, $id, $pid, $code, $signal) => $journal->record("5 workerError $id code $code signal $signal"));
        $starts = new Swoole\Atomic();
        $server->on('workerStart', fn () => $starts->add());
        $server->on('receive', function ($server, $fd, $reactor, $data) use ($starts) {
            match ($data) {
                'ids' => $server->send($fd, json_encode([$server->getWorkerId() === $server->worker_id, $server->getWorkerPid() === getmypid(), $server->getWorkerPid(1 - $server->worker_id) !== getmypid(), $server->getWorkerPid(77), $server->getManagerPid() === posix_getppid()])),
                'starts' => $server->send($fd, (string) $starts->get()),
                'reload' => $server->send($fd, json_encode($server->reload())),
                'stop' => $server->send($fd, json_encode($server->stop(1 - $server->worker_id))),
                'crash' => posix_kill(getmypid(), SIGKILL),
            };
        });
    }, function ($ports, $journal) use ($mode) {
        $journal->record('6 ids ' . ask(connect($ports[0]), 'ids'));
        // In base mode a connection ends with its worker.
        $starts = fn (int $n) => json_encode(wait_for(fn () => ($c = connect($ports[0])) && ask($c, 'starts') === (string) $n));
        $journal->record('7 reload ' . ask(connect($ports[0]), 'reload') . ', workers started ' . $starts(4));
        $journal->record('8 stop ' . ask(connect($ports[0]), 'stop') . ', workers started ' . $starts(5));
        fwrite($c = connect($ports[0]), 'crash');
        $journal->record('9 crash, workers started ' . $starts(6));
    }, $mode);
    sort($lines);
    echo "$name\n", preg_replace('/(workerError|worker) [01] (?!code 3)/', '$1 N ', implode("\n", $lines)), "\n";
}
?>
--EXPECT--
process
1 the process begins, and exits
2 it was started again, message sent true
3 worker N gets 'from the process' of process 2, writes 14
4 it reads to the process
5 workerError N code 0 signal 9
5 workerError 2 code 3 signal 0
6 ids [true,true,true,false,true]
7 reload true, workers started true
8 stop true, workers started true
9 crash, workers started true
base
1 the process begins, and exits
2 it was started again, message sent true
3 worker N gets 'from the process' of process 2, writes 14
4 it reads to the process
5 workerError N code 0 signal 9
5 workerError 2 code 3 signal 0
6 ids [true,true,true,false,true]
7 reload true, workers started true
8 stop true, workers started true
9 crash, workers started true
