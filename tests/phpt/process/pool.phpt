--TEST--
Process\Pool keeps the order of events and handles signals, respawn, reload, detach, exit and exceptions
--EXTENSIONS--
swoole
posix
pcntl
--FILE--
<?php
require __DIR__ . '/../inc/pool.inc';
use Swoole\Process\Pool;

echo "-- misuse\n";
$pool = new Pool(1);
var_dump(@$pool->start(), @$pool->getProcess(), @$pool->getProcess(5), @$pool->write('x'), @$pool->sendMessage('x', 0), @$pool->detach(), @$pool->shutdown(), @$pool->listen('127.0.0.1'), @$pool->stop());
try {
    $pool->__construct(1);
} catch (Error $e) {
    echo get_class($e), ': ', $e->getMessage(), "\n";
}
var_dump($pool instanceof swoole_process_pool);
echo implode("\n", pool(function ($journal) {
    // A pool cannot be used in a coroutine.
    Swoole\Coroutine\run(function () {
        $pool = new Pool(1);
        $pool->on('workerStart', fn () => null);
        $pool->start();
    });
})), "\n";

echo "-- a loop that looks whether the pool runs, and a sleep that ends early\n";
$begun = microtime(true);
echo implode("\n", pool(function ($journal) {
    $pool = new Pool(2);
    $pool->on('start', fn ($pool) => $journal->record("a start $pool->workerId"));
    $pool->on('workerStart', function ($pool, $id) use ($journal) {
        $journal->record("b worker $id begins");
        if ($id === 0) {
            while ($pool->workerRunning) {
                usleep(1000);
            }
            $journal->record('c the loop is over ' . json_encode($pool->running));
        } else {
            while ($pool->workerRunning) {
                sleep(2);
            }
            $journal->record('c the sleep is over');
        }
    });
    $pool->on('workerStop', fn ($pool, $id) => $journal->record("d worker $id stops"));
    $pool->on('shutdown', fn ($pool) => $journal->record('e shutdown'));
    $journal->record('f ' . json_encode($pool->start()));
    $journal->record('g again ' . json_encode(@$pool->start()));
}, function ($pid, $journal) {
    $journal->await('worker 0 begins');
    $journal->await('worker 1 begins');
    posix_kill($pid, SIGTERM);
})), "\n";
var_dump(microtime(true) - $begun < 10);

echo "-- reload\n";
echo implode("\n", pool(function ($journal) {
    $runs = new Swoole\Atomic();
    $pool = new Pool(2);
    $pool->on('workerStart', function ($pool, $id) use ($journal, $runs) {
        $journal->record('run ' . $runs->add());
        while ($pool->workerRunning) {
            usleep(1000);
        }
    });
    $pool->start();
}, function ($pid, $journal) {
    $journal->await('run 2');
    posix_kill($pid, SIGUSR1);
    $journal->await('run 4');
    posix_kill($pid, SIGINT);
})), "\n";

echo "-- what code may do: exit, throw, fail, be killed; each is replaced\n";
echo implode("\n", pool(function ($journal) {
    $runs = new Swoole\Atomic();
    $pool = new Pool(1);
    $pool->on('workerStart', function ($pool) use ($journal, $runs) {
        $run = $runs->add();
        $journal->record("run $run");
        ini_set('display_errors', '0');
        ini_set('log_errors', '0');
        // Not a death at its start, which would delay the restart.
        usleep(120000);
        match ($run) {
            1 => exit(3),
            2 => throw new Exception('a fault of the test'),
            3 => no_such_function(),
            4 => posix_kill(getmypid(), SIGKILL),
            // It asks before it is told to end, so that it ends in order.
            5 => $pool->workerRunning && $pool->shutdown(),
        };
        while ($pool->workerRunning) {
            usleep(1000);
        }
    });
    $pool->on('workerStop', fn () => $journal->record('stops in order'));
    $pool->start();
})), "\n";

echo "-- getProcess and detach\n";
echo implode("\n", pool(function ($journal) {
    $runs = new Swoole\Atomic();
    $pool = new Pool(1, SWOOLE_IPC_UNIXSOCK);
    $pool->on('workerStart', function ($pool, $id) use ($journal, $runs) {
        if ($runs->add() === 1) {
            $own = $pool->getProcess();
            $journal->record('a ' . json_encode([$own->pid === getmypid(), $own->id, $own === $pool->getProcess(0), @$pool->getProcess(1), count($pool->workers)]));
            $journal->record('b detached ' . json_encode($pool->detach()));
            $journal->await('d its successor');
            $journal->record('e goes on as a process of its own');
            return;
        }
        $journal->record('d its successor');
        $journal->await('e goes on');
        $pool->shutdown();
    });
    $pool->on('message', fn () => null);
    $pool->start();
})), "\n";

echo "-- one whose code does not ask ends at once, also in a reload\n";
echo implode("\n", pool(function ($journal) {
    $runs = new Swoole\Atomic();
    $pool = new Pool(1);
    $pool->set(['max_wait_time' => 3600]);
    $pool->on('workerStart', function () use ($journal, $runs) {
        $journal->record('begins ' . $runs->add());
        while (true) {
            usleep(1000);
        }
    });
    $pool->on('workerStop', fn () => $journal->record('never told'));
    $pool->start();
}, function ($pid, $journal) {
    $journal->await('begins 1');
    posix_kill($pid, SIGUSR1);
    $journal->await('begins 2');
    posix_kill($pid, SIGTERM);
})), "\n";

echo "-- one that asks and never ends is killed, and Start's exception ends everything\n";
$begun = microtime(true);
echo implode("\n", pool(function ($journal) {
    $pool = new Pool(1);
    $pool->set(['max_wait_time' => 0.2]);
    $pool->on('workerStart', function ($pool) use ($journal) {
        $journal->record('begins ' . json_encode(isset($pool->workerRunning)));
        while (true) {
            usleep(1000);
        }
    });
    $pool->on('workerStop', fn () => $journal->record('never told'));
    $pool->start();
}, function ($pid, $journal) {
    $journal->await('begins');
    posix_kill($pid, SIGTERM);
})), "\n";
var_dump(microtime(true) - $begun < 10);
echo implode("\n", pool(function ($journal) {
    ini_set('display_errors', '0');
    $pool = new Pool(1);
    $pool->on('start', fn () => throw new Exception('no'));
    $pool->on('workerStart', fn () => $journal->record('never begins'));
    $pool->start();
})), "\n";
?>
--EXPECTF--
-- misuse
bool(false)
bool(false)
bool(false)
bool(false)
bool(false)
bool(false)
bool(false)
bool(false)
NULL
Error: the constructor of Swoole\Process\Pool must be called only once
bool(true)

Fatal error: Swoole\Process\Pool::start(): a pool must be started before the event loop and outside of coroutines in %s on line %d
the pool ended with 255
-- a loop that looks whether the pool runs, and a sleep that ends early
a start -1
b worker 0 begins
b worker 1 begins
c the loop is over false
c the sleep is over
d worker 0 stops
d worker 1 stops
e shutdown
f null
g again false
pool over
bool(true)
-- reload
pool over
run 1
run 2
run 3
run 4
-- what code may do: exit, throw, fail, be killed; each is replaced
pool over
run 1
run 2
run 3
run 4
run 5
stops in order
-- getProcess and detach
a [true,0,true,false,1]
b detached true
d its successor
e goes on as a process of its own
pool over
-- one whose code does not ask ends at once, also in a reload
begins 1
begins 2
pool over
-- one that asks and never ends is killed, and Start's exception ends everything
begins true
pool over
bool(true)
the pool ended with 255
