--TEST--
Process supports queues, signals in the loop, alarm, priority, CPU affinity, pipe shutdown, and coroutine children
--EXTENSIONS--
swoole
posix
--FILE--
<?php
use Swoole\Process;

// Messages for one process each, and a full queue.
$key = 0x5a000000 + getmypid() % 65536;
$children = [];
foreach (['a', 'b'] as $name) {
    $children[$name] = new Process(fn ($p) => $p->exit($p->pop() === "for $name" ? 0 : 1));
    var_dump($children[$name]->useQueue($key, 1));
}
$children['b']->push('for b');
$children['a']->push('for a');
foreach ($children as $child) {
    $child->start();
}
var_dump(Process::wait()['code'], Process::wait()['code']);
$p = new Process(fn () => null);
var_dump($p->useQueue($key, 2 | Process::IPC_NOWAIT, 100), $p->push(str_repeat('x', 80)), $p->push(str_repeat('y', 80)), swoole_last_error());
var_dump($p->statQueue(), strlen($p->pop()), $p->pop(), $p->freeQueue(), @$p->freeQueue());
[$p, $q] = [new Process(fn () => null), new Process(fn () => null)];
var_dump($p->useQueue(), $q->useQueue(), $p->msgQueueKey === $q->msgQueueKey, $p->freeQueue());

// Handlers run in the loop, also after one that threw; a child does not inherit them.
$log = [];
Process::signal(SIGTERM, function ($number) use (&$log) { $log[] = "parent got $number"; });
$child = new Process(function () { sleep(30); }, false, 0);
$pid = $child->start();
usleep(20000);
Process::kill($pid);
var_dump(Process::wait()['signal'] === SIGTERM);
posix_kill(getmypid(), SIGTERM);
$alarms = 0;
Process::signal(SIGALRM, function () use (&$alarms) {
    if (++$alarms === 3) {
        Process::alarm(-1);
        Swoole\Event::exit();
    }
});
var_dump(Process::alarm(10000), @Process::alarm(10000, 7));
Swoole\Timer::after(5000, fn () => null);
Swoole\Event::wait();
var_dump($log, $alarms, Process::signal(SIGTERM), Process::signal(SIGALRM, null), @Process::signal(SIGALRM), @Process::signal(SIGKILL, fn () => 1));

$cores = Process::getAffinity();
var_dump(Process::setAffinity([$cores[0]]), Process::getAffinity() === [$cores[0]], Process::setAffinity($cores), @Process::setAffinity([100000]));
$p = new Process(function ($p) {
    $p->setPriority(PRIO_PROCESS, 5);
    $p->exit($p->getPriority(PRIO_PROCESS));
});
$p->start();
var_dump(Process::wait()['code'], @$p->getPriority(PRIO_USER), @$p->getPriority(17, 1));

$p = new Process(function ($p) {
    $p->write(Swoole\Coroutine::getCid() > 0 ? 'in a coroutine' : 'outside');
    Swoole\Coroutine::sleep(0.01);
    $p->exit(6);
}, false, Process::PIPE_TYPE_STREAM, true);
$p->start();
var_dump($p->read(), Process::wait()['code'], $p->read(), $p->close(Process::PIPE_WRITE), $p->close(Process::PIPE_MASTER), @$p->close());

// A warning handler may use the process.
set_error_handler(function ($level, $text) use (&$p) {
    $p->close();
    echo "$text\n";
    return true;
});
$p = new Process(fn () => null);
$p->setBlocking(false);
var_dump($p->read(), $p->read());
?>
--EXPECTF--
bool(true)
bool(true)
int(0)
int(0)
bool(true)
bool(true)
bool(false)
int(11)
array(2) {
  ["queue_num"]=>
  int(1)
  ["queue_bytes"]=>
  int(80)
}
int(80)
bool(false)
bool(true)
bool(false)
bool(true)
bool(true)
bool(true)
bool(true)
bool(true)
bool(true)
bool(false)
array(1) {
  [0]=>
  string(13) "parent got 15"
}
int(3)
bool(true)
bool(true)
bool(false)
bool(false)
bool(true)
bool(true)
bool(true)
bool(false)
int(5)
bool(false)
bool(false)
string(14) "in a coroutine"
int(6)
bool(false)
bool(true)
bool(true)
bool(false)
Swoole\Process::read(): read from a pipe: Resource temporarily unavailable (os error 11)

Warning: Swoole\Process::close(): the process has no pipe, or it was closed in %s on line 63
Swoole\Process::read(): the process has no pipe
bool(false)
bool(false)
