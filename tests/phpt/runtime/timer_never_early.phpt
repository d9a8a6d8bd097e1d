--TEST--
A timer never fires early, and a tick does not drift
--EXTENSIONS--
swoole
--FILE--
<?php
$early = 0;
foreach (range(1, 40) as $ms) {
    $begin = hrtime(true);
    Swoole\Timer::after($ms, function () use ($ms, $begin, &$early) {
        $early += hrtime(true) - $begin < $ms * 1_000_000;
    });
}
// On a busy machine one tick may be late; with drift every tick would be late by 30 ms.
$kept = false;
for ($tries = 0; $tries < 40 && !$kept; $tries++) {
    [$begin, $n, $took] = [hrtime(true), 0, 0];
    Swoole\Timer::tick(10, function ($id) use (&$n, &$took, $begin) {
        usleep(3000);
        if (++$n === 10) {
            Swoole\Timer::clear($id);
            $took = (hrtime(true) - $begin) / 1e6;
        }
    });
    Swoole\Event::wait();
    $early += $took < 100;
    $kept = $took < 125;
}
var_dump($kept);
var_dump($early);
?>
--EXPECT--
bool(true)
int(0)
