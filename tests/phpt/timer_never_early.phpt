--TEST--
A timer never comes early, and a tick does not drift
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
$begin = hrtime(true);
$n = 0;
Swoole\Timer::tick(10, function ($id) use (&$n, $begin) {
    usleep(3000);
    if (++$n === 10) {
        Swoole\Timer::clear($id);
        $took = (hrtime(true) - $begin) / 1e6;
        var_dump($took >= 100 && $took < 115);
    }
});
Swoole\Event::wait();
var_dump($early);
?>
--EXPECT--
bool(true)
int(0)
