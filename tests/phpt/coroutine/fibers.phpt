--TEST--
Fibers work around coroutines, inside them, and when passed from one to another
--EXTENSIONS--
swoole
--FILE--
<?php
use Swoole\Coroutine as Co;

// A loop in a Fiber, which the main program resumes.
$around = new Fiber(function () {
    Co\run(function () {
        Co::sleep(0.001);
        echo 'coroutine ', Co::getCid(), " in a Fiber\n";
        $inside = new Fiber(function ($x) {
            Co::sleep(0.001);
            $y = Fiber::suspend($x + 1);
            Co::sleep(0.001);
            return $y + 1;
        });
        echo $inside->start(1), "\n";
        $inside->resume(5);
        echo $inside->getReturn(), "\n";
    });
    $word = Fiber::suspend('out');
    go(function () use ($word) {
        Co::sleep(0.001);
        echo "a coroutine hears $word\n";
        try {
            Fiber::suspend('not from here');
        } catch (FiberError $e) {
            echo $e->getMessage(), "\n";
        }
    });
    Swoole\Event::wait();
});
echo $around->start(), "\n";
$around->resume('in');

Co\run(function () {
    // A Fiber that waits in a coroutine cannot be resumed by another.
    $busy = new Fiber(function () { Co::sleep(0.005); return 'its end'; });
    go(fn () => $busy->start());
    try {
        $busy->resume();
    } catch (FiberError $e) {
        echo $e->getMessage(), "\n";
    }
    Co::sleep(0.02);
    echo $busy->getReturn(), "\n";
    // A suspended Fiber can be passed on.
    $handed = new Fiber(function () {
        $a = Fiber::suspend('one');
        Co::sleep(0.002);
        $b = Fiber::suspend("two $a");
        return "three $b";
    });
    go(function () use ($handed) { echo $handed->start(), "\n"; });
    go(function () use ($handed) { echo $handed->resume('A'), "\n"; });
    Co::sleep(0.02);
    go(function () use ($handed) { $handed->resume('B'); echo $handed->getReturn(), "\n"; });
    // An exception passes through both.
    $thrown = new Fiber(function () { Co::sleep(0.001); Fiber::suspend(); Co::sleep(0.001); throw new LogicException('through'); });
    $thrown->start();
    try {
        $thrown->resume();
    } catch (LogicException $e) {
        echo $e->getMessage(), "\n";
    }
    // Many at once, each with its own state.
    $sum = 0;
    for ($n = 1; $n <= 100; $n++) {
        go(function () use ($n, &$sum) {
            $fiber = new Fiber(function () use ($n) { for ($k = 0; $k < 3; $k++) { Co::sleep(0.001); Fiber::suspend($n); } });
            for ($value = $fiber->start(); $value !== null; $value = $fiber->resume()) {
                $sum += $value;
            }
        });
    }
    Co::sleep(0.3);
    echo $sum, "\n";
});
?>
--EXPECT--
coroutine 1 in a Fiber
2
6
out
a coroutine hears in
Cannot suspend outside of a fiber
Cannot resume a fiber that is not suspended
its end
one
two A
three B
through
15150
