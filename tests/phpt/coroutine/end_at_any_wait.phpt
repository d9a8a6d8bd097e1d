--TEST--
An exception, exit, a fatal error and a cancellation work after every kind of wait
--EXTENSIONS--
swoole
pcntl
posix
--INI--
display_errors=0
log_errors=0
--FILE--
<?php
use Swoole\Coroutine as Co;
use Swoole\Coroutine\Channel;

/** Each waits for a few milliseconds, then returns. */
$waits = [
    'sleep' => fn () => Co::sleep(0.002),
    'hooked usleep' => fn () => usleep(2000),
    'yield' => function () { $me = Co::getCid(); Swoole\Timer::after(2, fn () => Co::resume($me)); Co::yield(); },
    'pop' => function () { $c = new Channel(1); Swoole\Timer::after(2, fn () => $c->push(1)); $c->pop(); },
    'push' => function () { $c = new Channel(1); $c->push(1); Swoole\Timer::after(2, fn () => $c->pop()); $c->push(2); },
    'WaitGroup' => function () { $w = new Co\WaitGroup(1); Swoole\Timer::after(2, fn () => $w->done()); $w->wait(); },
    'Barrier' => function () { $b = Co\Barrier::make(); go(function () use ($b) { Co::sleep(0.002); }); Co\Barrier::wait($b); },
    'lock' => function () { $l = new Co\Lock; go(function () use ($l) { $l->lock(); Co::sleep(0.002); $l->unlock(); }); $l->lock(); },
    'join' => fn () => Co::join([go(fn () => Co::sleep(0.002))]),
    'socket' => function () { [$a, $b] = swoole_coroutine_socketpair(AF_UNIX, SOCK_STREAM, 0); Swoole\Timer::after(2, fn () => $b->send('x')); $a->recv(); },
    'stream' => function () { [$a, $b] = stream_socket_pair(STREAM_PF_UNIX, STREAM_SOCK_STREAM, 0); Swoole\Timer::after(2, fn () => fwrite($b, 'x')); fread($a, 1); },
    'waitEvent' => function () { [$a, $b] = stream_socket_pair(STREAM_PF_UNIX, STREAM_SOCK_STREAM, 0); Swoole\Timer::after(2, fn () => fwrite($b, 'x')); Co\System::waitEvent($a); },
    'thread' => fn () => Co\System::exec('sleep 0.002'),
];
$ends = [
    'exception' => fn () => throw new Exception('x'),
    'exit' => fn () => exit(3),
    'fatal error' => fn () => trigger_error('x', E_USER_ERROR),
];
/** The place of the end, relative to the wait. */
$places = [
    'behind it' => function ($wait, $end) { $wait(); $end(); },
    'in defer' => function ($wait, $end) { Co::defer(function () use ($wait, $end) { $wait(); $end(); }); },
    'in a timer' => function ($wait, $end) { Swoole\Timer::after(1, function () use ($wait, $end) { $wait(); $end(); }); },
];
$count = 0;
foreach ($waits as $how => $wait) {
    foreach ($ends as $what => $end) {
        foreach ($places as $where => $place) {
            if ($where !== 'behind it' && !in_array($how, ['sleep', 'pop', 'socket'])) {
                continue;
            }
            if (($pid = pcntl_fork()) === 0) {
                // Nothing waits forever.
                pcntl_alarm(20);
                Co\run(function () use ($place, $wait, $end) {
                    go(function () { try { Co::sleep(5); } finally { } });
                    go(fn () => $place($wait, $end));
                    Co::sleep(2);
                });
                posix_kill(getmypid(), SIGKILL);
            }
            pcntl_waitpid($pid, $status);
            $count++;
            if (!pcntl_wifexited($status) || pcntl_wexitstatus($status) !== 255) {
                echo "$what $where $how: ", $status, "\n";
            }
        }
    }
}
echo "$count ends\n";

// Cancellation by exception can be caught, and the resource that was waited for is usable afterwards.
Co\run(function () use ($waits) {
    Swoole\Runtime::enableCoroutine();
    $caught = [];
    foreach ($waits as $how => $wait) {
        $who = go(function () use ($how, $wait, &$caught) {
            try {
                $wait();
            } catch (Co\CanceledException) {
                $caught[] = $how;
            }
            Co::sleep(0.001);
        });
        Co::cancel($who, true);
    }
    Co::sleep(0.1);
    echo count($caught), ' of ', count($waits), ' cancelled, left ', Co::stats()['coroutine_num'], "\n";

    $channel = new Channel(1);
    $popper = go(fn () => $channel->pop());
    Co::cancel($popper);
    echo 'channel ', var_export($channel->push('kept', 0.01), true), ' ', $channel->pop(), "\n";
    $channel->push('first');
    $pusher = go(fn () => $channel->push('never'));
    Co::cancel($pusher);
    echo 'channel ', $channel->pop(), ' ', $channel->length(), "\n";
    [$a, $b] = swoole_coroutine_socketpair(AF_UNIX, SOCK_STREAM, 0);
    $reader = go(fn () => $a->recv());
    Co::cancel($reader);
    $b->send('later');
    echo 'socket ', $a->recv(), ' ', $a->getBoundCid(SWOOLE_EVENT_READ), "\n";
});
?>
--EXPECT--
57 ends
13 of 13 cancelled, left 1
channel true kept
channel first 0
socket later 0
