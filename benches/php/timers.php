<?php
// A timer added and cleared; and the memory of five million.
$none = function () {};
$best = INF;
for ($round = 0; $round < 7; $round++) {
    $begin = hrtime(true);
    for ($n = 0; $n < 1000000; $n++) {
        Swoole\Timer::clear(Swoole\Timer::after(1000000, $none));
    }
    $best = min($best, (hrtime(true) - $begin) / 1000000);
}
$begin = hrtime(true);
for ($n = 0; $n < 1000000; $n++) {
}
$loop = (hrtime(true) - $begin) / 1000000;
printf("  added and cleared: %.0f ns (goal 130)\n", $best - $loop);
ini_set('memory_limit', -1);
$rss = function () {
    preg_match('/VmRSS:\s+(\d+)/', file_get_contents('/proc/self/status'), $m);
    return $m[1] * 1024;
};
$before = $rss();
for ($n = 0; $n < 5000000; $n++) {
    Swoole\Timer::after(1000000 + $n % 1000, $none);
}
printf("  five million alive: %.0f bytes each (goal 120)\n", ($rss() - $before) / 5000000);
Swoole\Timer::clearAll();
