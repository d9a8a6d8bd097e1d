--TEST--
A million timers take less than 120 bytes each, and distant ones are cancelled as fast as near ones
--EXTENSIONS--
swoole
--FILE--
<?php
$rss = fn () => 1024 * (int) preg_replace('/.*VmRSS:\s*(\d+).*/s', '$1', file_get_contents('/proc/self/status'));
$f = fn () => null;
$before = $rss();
for ($n = 0; $n < 1_000_000; $n++) {
    Swoole\Timer::after(1000 + $n * 37, $f);
}
var_dump(($rss() - $before) / 1_000_000 < 120, Swoole\Timer::stats()['num']);
Swoole\Timer::clearAll();
var_dump(Swoole\Timer::stats()['num']);
?>
--EXPECT--
bool(true)
int(1000000)
int(0)
