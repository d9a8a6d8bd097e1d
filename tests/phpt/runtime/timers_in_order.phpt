--TEST--
Timers and sleeping coroutines go on in the order of their times when the loop is late
--EXTENSIONS--
swoole
--FILE--
<?php
$log = [];
foreach ([5, 60, 10, 40] as $ms) {
    go(function () use ($ms, &$log) {
        Co::sleep($ms / 1000);
        $log[] = "coroutine $ms";
    });
}
foreach ([20, 1, 50, 30] as $ms) {
    Swoole\Timer::after($ms, function () use ($ms, &$log) { $log[] = "timer $ms"; });
}
// All of them are due when the loop begins.
usleep(100000);
Swoole\Event::wait();
echo implode("\n", $log), "\n";
?>
--EXPECT--
timer 1
coroutine 5
coroutine 10
timer 20
timer 30
coroutine 40
timer 50
coroutine 60
