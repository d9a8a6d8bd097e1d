--TEST--
A child forked in any process of a server ends alone, and the parent answers its pending requests once
--EXTENSIONS--
swoole
pcntl
posix
--INI--
display_errors=0
log_errors=0
--FILE--
<?php
require __DIR__ . '/../inc/server.inc';
use Swoole\Coroutine as Co;

/** Forks a child that waits, reports, and returns from here; the parent waits for its end. */
function fork_here(Journal $journal, string $where): bool
{
    if (($pid = pcntl_fork()) === 0) {
        if (Co::getCid() > 0) {
            Co::sleep(0.01);
        } else {
            go(fn () => Co::sleep(0.01));
        }
        $journal->record("child in $where");
        return true;
    }
    while (pcntl_waitpid($pid, $status, WNOHANG) === 0) {
        Co::getCid() > 0 ? Co::sleep(0.005) : usleep(5000);
    }
    $journal->record("$where: " . (pcntl_wifexited($status) ? pcntl_wexitstatus($status) : 'signal ' . pcntl_wtermsig($status)));
    return false;
}

foreach (MODES as $name => $mode) {
    foreach (['coroutines' => true, 'none' => false] as $how => $coroutines) {
        echo "-- $name, $how\n", implode("\n", serve(function ($s, $journal) use ($coroutines) {
            $s->set(['worker_num' => 1, 'task_worker_num' => 1, 'enable_coroutine' => $coroutines, 'task_enable_coroutine' => $coroutines]);
            $s->addProcess(new Swoole\Process(function ($process) use ($journal) {
                fork_here($journal, 'user process') || $journal->record('user process waits') || sleep(100);
            }, false, 0, $coroutines));
            // One after the other: each reports after the one before.
            $s->on('managerstart', function () use ($journal) {
                $journal->await('user process waits');
                fork_here($journal, 'manager') || $journal->record('manager is done');
            });
            $s->on('start', function ($s) use ($journal) {
                $journal->await('manager is done');
                if (fork_here($journal, 'master')) {
                    return;
                }
                // In base mode this is the worker itself: its command continues in the child like any other call of its own.
                if ($s->mode === SWOOLE_PROCESS) {
                    $journal->record('answer ' . $s->command('fork', 0, SWOOLE_SERVER_COMMAND_EVENT_WORKER, null, false));
                }
                $journal->record('master is done');
            });
            $s->on('task', function ($s, $task, $worker = null, $data = null) use ($journal, $coroutines) {
                return fork_here($journal, 'task') ? 'of the child' : 'of the parent';
            });
            $s->on('finish', fn ($s, $id, $data) => $journal->record("finish $data"));
            $s->addCommand('fork', SWOOLE_SERVER_COMMAND_EVENT_WORKER, fn () => fork_here($journal, 'command') ? 'of the child' : 'of the parent');
            $s->on('receive', function ($s, $fd, $reactor, $data) use ($journal) {
                if ($data === 'task') {
                    $s->send($fd, $s->taskwait('', 10));
                } elseif ($data === 'close') {
                    $s->close($fd);
                }
            });
            $s->on('close', function () use ($journal) {
                fork_here($journal, 'close') || $journal->record('closed');
            });
            $s->on('workerstop', function ($s) use ($journal) {
                $s->taskworker || fork_here($journal, 'workerstop');
            });
            foreach (['shutdown', 'managerstop'] as $event) {
                $s->on($event, fn () => $journal->record($event));
            }
        }, function ($ports, Journal $journal) {
            $journal->await('master is done');
            $c = connect($ports[0]);
            $journal->record('answer ' . ask($c, 'task'));
            fwrite($c, 'close');
            $journal->await('closed');
            $journal->record('end ' . json_encode(fread($c, 100)));
        }, $mode)), "\n";
    }
}
?>
--EXPECT--
-- process, coroutines
child in user process
user process: 0
user process waits
child in manager
manager: 0
manager is done
child in master
master: 0
child in command
command: 0
answer of the parent
master is done
child in task
task: 0
answer of the parent
child in close
close: 0
closed
end ""
child in workerstop
workerstop: 0
managerstop
shutdown
-- process, none
child in user process
user process: 0
user process waits
child in manager
manager: 0
manager is done
child in master
master: 0
child in command
command: 0
answer of the parent
master is done
child in task
task: 0
answer of the parent
child in close
close: 0
closed
end ""
child in workerstop
workerstop: 0
managerstop
shutdown
-- base, coroutines
child in user process
user process: 0
user process waits
child in manager
manager: 0
manager is done
child in master
master: 0
master is done
child in task
task: 0
answer of the parent
child in close
close: 0
closed
end ""
child in workerstop
workerstop: 0
managerstop
shutdown
-- base, none
child in user process
user process: 0
user process waits
child in manager
manager: 0
manager is done
child in master
master: 0
master is done
child in task
task: 0
answer of the parent
child in close
close: 0
closed
end ""
child in workerstop
workerstop: 0
managerstop
shutdown