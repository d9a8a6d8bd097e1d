--TEST--
A child that is forked in any process of a server ends alone: what its parent has in hand is answered once, by the parent
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

/** Forks a child that waits, tells, and comes back from here; the parent waits for its end. */
function fork_here(Tale $tale, string $where): bool
{
    if (($pid = pcntl_fork()) === 0) {
        if (Co::getCid() > 0) {
            Co::sleep(0.01);
        } else {
            go(fn () => Co::sleep(0.01));
        }
        $tale->tell("child in $where");
        return true;
    }
    while (pcntl_waitpid($pid, $status, WNOHANG) === 0) {
        Co::getCid() > 0 ? Co::sleep(0.005) : usleep(5000);
    }
    $tale->tell("$where: " . (pcntl_wifexited($status) ? pcntl_wexitstatus($status) : 'signal ' . pcntl_wtermsig($status)));
    return false;
}

foreach (MODES as $name => $mode) {
    foreach (['coroutines' => true, 'none' => false] as $how => $coroutines) {
        echo "-- $name, $how\n", implode("\n", serve(function ($s, $tale) use ($coroutines) {
            $s->set(['worker_num' => 1, 'task_worker_num' => 1, 'enable_coroutine' => $coroutines, 'task_enable_coroutine' => $coroutines]);
            $s->addProcess(new Swoole\Process(function ($process) use ($tale) {
                fork_here($tale, 'user process') || $tale->tell('user process waits') || sleep(100);
            }, false, 0, $coroutines));
            // One after the other: each tells when the one before has.
            $s->on('managerstart', function () use ($tale) {
                $tale->await('user process waits');
                fork_here($tale, 'manager') || $tale->tell('manager is done');
            });
            $s->on('start', function ($s) use ($tale) {
                $tale->await('manager is done');
                if (fork_here($tale, 'master')) {
                    return;
                }
                // In base mode this is the worker itself: its command goes on in the child as any other call of its own.
                if ($s->mode === SWOOLE_PROCESS) {
                    $tale->tell('answer ' . $s->command('fork', 0, SWOOLE_SERVER_COMMAND_EVENT_WORKER, null, false));
                }
                $tale->tell('master is done');
            });
            $s->on('task', function ($s, $task, $worker = null, $data = null) use ($tale, $coroutines) {
                return fork_here($tale, 'task') ? 'of the child' : 'of the parent';
            });
            $s->on('finish', fn ($s, $id, $data) => $tale->tell("finish $data"));
            $s->addCommand('fork', SWOOLE_SERVER_COMMAND_EVENT_WORKER, fn () => fork_here($tale, 'command') ? 'of the child' : 'of the parent');
            $s->on('receive', function ($s, $fd, $reactor, $data) use ($tale) {
                if ($data === 'task') {
                    $s->send($fd, $s->taskwait('', 10));
                } elseif ($data === 'close') {
                    $s->close($fd);
                }
            });
            $s->on('close', function () use ($tale) {
                fork_here($tale, 'close') || $tale->tell('closed');
            });
            $s->on('workerstop', function ($s) use ($tale) {
                $s->taskworker || fork_here($tale, 'workerstop');
            });
            foreach (['shutdown', 'managerstop'] as $event) {
                $s->on($event, fn () => $tale->tell($event));
            }
        }, function ($ports, Tale $tale) {
            $tale->await('master is done');
            $c = connect($ports[0]);
            $tale->tell('answer ' . ask($c, 'task'));
            fwrite($c, 'close');
            $tale->await('closed');
            $tale->tell('end ' . json_encode(fread($c, 100)));
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