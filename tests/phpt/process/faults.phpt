--TEST--
Process survives faults: thousands of children, signal bursts, stuck children, full pipes and queues, failing pool workers
--EXTENSIONS--
swoole
posix
pcntl
--FILE--
<?php
require __DIR__ . '/../inc/pool.inc';
use Swoole\Process;
use Swoole\Process\Pool;

echo "-- 2,000 children, 50 at a time\n";
$descriptors = count(scandir('/proc/self/fd'));
[$alive, $codes] = [0, 0];
$reap = function () use (&$alive, &$codes) {
    $end = Process::wait();
    $alive--;
    $codes += (int) ($end['signal'] === 0 && $end['code'] === $end['pid'] % 100);
};
for ($n = 0; $n < 2000; $n++) {
    $child = new Process(fn ($p) => $p->exit(getmypid() % 100), false, Process::PIPE_TYPE_DGRAM);
    $child->start() === false ?: $alive++;
    $alive < 50 || $reap();
}
while ($alive > 0) {
    $reap();
}
unset($child);
var_dump($codes, Process::wait(), count(scandir('/proc/self/fd')) - $descriptors);

echo "-- bursts of signals while coroutines run: none is lost for good, the last one is always heard\n";
$heard = ['usr1' => 0, 'usr2' => 0];
Process::signal(SIGUSR1, function () use (&$heard) { $heard['usr1']++; });
Process::signal(SIGUSR2, function () use (&$heard) {
    $heard['usr2']++;
    Process::signal(SIGUSR1, null);
    Process::signal(SIGUSR2, null);
});
$sender = new Process(function () {
    for ($n = 0; $n < 5000; $n++) {
        posix_kill(posix_getppid(), SIGUSR1);
    }
    posix_kill(posix_getppid(), SIGUSR2);
}, false, Process::PIPE_TYPE_NONE);
$sender->start();
Swoole\Coroutine\run(function () use (&$heard) {
    for ($n = 0; $heard['usr2'] === 0 && $n < 10000; $n++) {
        Swoole\Coroutine::sleep(0.001);
    }
});
Process::wait();
var_dump($heard['usr1'] > 0 && $heard['usr1'] <= 5000, $heard['usr2']);

echo "-- a child that never ends\n";
$deaf = new Process(function ($p) {
    pcntl_signal(SIGTERM, SIG_IGN);
    $p->write('deaf');
    while (true) {
        sleep(60);
    }
});
$pid = $deaf->start();
var_dump($deaf->read(), Process::kill($pid), Process::wait(false), Process::kill($pid, SIGKILL));
var_dump(Process::wait(), @Process::kill($pid, 0));

echo "-- a full pipe, of datagrams and of bytes: it waits, as long as it was told to\n";
foreach ([Process::PIPE_TYPE_DGRAM, Process::PIPE_TYPE_STREAM] as $kind) {
    $slow = new Process(function ($p) {
        usleep(200000);
        $got = 0;
        while ($got < 100 * 4096) {
            $got += strlen($p->read(65536));
        }
        $p->write("all $got");
    }, false, $kind);
    $slow->start();
    $begun = microtime(true);
    $sent = 0;
    for ($n = 0; $n < 100; $n++) {
        $sent += $slow->write(str_repeat('x', 4096));
    }
    var_dump($sent, $slow->read(), microtime(true) - $begun > 0.15);
    Process::wait();
}
$asleep = new Process(fn () => sleep(60));
$pid = $asleep->start();
$asleep->setTimeout(0.1);
$begun = microtime(true);
while ($asleep->write(str_repeat('x', 65536)));
var_dump(swoole_last_error(), microtime(true) - $begun < 5);
$asleep->setTimeout(0);
$asleep->setBlocking(false);
var_dump(@$asleep->write('x'), swoole_last_error() === 11);
Process::kill($pid, SIGKILL);
Process::wait();
var_dump(@$asleep->write('x'), swoole_last_error());

echo "-- a full queue: false at once where it does not wait, else once there is room\n";
$key = 0x5c000000 + getmypid() % 65536;
$queue = new Process(fn () => null);
$queue->useQueue($key, 2 | Process::IPC_NOWAIT, 1000);
for ($pushed = 0; $queue->push(str_repeat('y', 100)); $pushed++);
var_dump($pushed, swoole_last_error() === 11);
$taker = new Process(function ($p) {
    usleep(200000);
    for ($n = 0; $n < 11; $n++) {
        strlen($p->pop()) === 100 || $p->exit(1);
    }
    $p->exit(0);
}, false, Process::PIPE_TYPE_NONE);
$taker->useQueue($key, 2);
$taker->start();
$waits = new Process(fn () => null);
$waits->useQueue($key, 2);
$begun = microtime(true);
var_dump($waits->push(str_repeat('z', 100)), microtime(true) - $begun > 0.1, Process::wait()['code'], $waits->statQueue()['queue_num']);
// A queue is removed while a process waits on it.
$waiter = new Process(fn ($p) => $p->exit(@$p->pop() === false ? 4 : 5), false, Process::PIPE_TYPE_NONE);
$waiter->useQueue($key, 2);
$waiter->start();
usleep(50000);
var_dump($queue->freeQueue(), Process::wait()['code']);

echo "-- a pool whose workers die at their start, and one whose worker dies of its message\n";
$starts = new Swoole\Atomic();
echo implode("\n", pool(function () use ($starts) {
    $pool = new Pool(4);
    $pool->on('workerStart', function () use ($starts) {
        $starts->add();
        exit(1);
    });
    $pool->start();
}, function ($pid) {
    usleep(600000);
    posix_kill($pid, SIGTERM);
})), "\n";
// 0, 0, 100, 300, 700 ms: four starts in that time for each of four workers.
var_dump($starts->get() >= 8 && $starts->get() <= 24);
echo implode("\n", pool(function ($journal) {
    $pool = new Pool(1, SWOOLE_IPC_UNIXSOCK);
    $pool->on('start', function ($pool) {
        foreach (['a', 'die', 'b', 'die', 'c', 'end'] as $message) {
            $pool->sendMessage($message, 0);
        }
    });
    $pool->on('message', function ($pool, $message) use ($journal) {
        $message === 'die' ? posix_kill(getmypid(), SIGKILL) : $journal->record($message);
        $message === 'end' && $pool->shutdown();
    });
    $pool->start();
})), "\n";
?>
--EXPECTF--
-- 2,000 children, 50 at a time
int(2000)
bool(false)
int(0)
-- bursts of signals while coroutines run: none is lost for good, the last one is always heard
bool(true)
int(1)
-- a child that never ends
string(4) "deaf"
bool(true)
bool(false)
bool(true)
array(3) {
  ["pid"]=>
  int(%d)
  ["code"]=>
  int(0)
  ["signal"]=>
  int(9)
}
bool(false)
-- a full pipe, of datagrams and of bytes: it waits, as long as it was told to
int(409600)
string(10) "all 409600"
bool(true)
int(409600)
string(10) "all 409600"
bool(true)
int(6002)
bool(true)
bool(false)
bool(true)
bool(false)
int(111)
-- a full queue: false at once where it does not wait, else once there is room
int(10)
bool(true)
bool(true)
bool(true)
int(0)
int(0)
bool(true)
int(4)
-- a pool whose workers die at their start, and one whose worker dies of its message
pool over
bool(true)
a
b
c
end
pool over
