--TEST--
A busy loop lets other coroutines run when time slices are enabled, at any point
--EXTENSIONS--
swoole
--FILE--
<?php
use Swoole\Coroutine as Co;
Co::set(['enable_preemptive_scheduler' => true]);
Co\run(function () {
    $stop = false; $n = 0;
    for ($i = 0; $i < 3; $i++) go(function () use (&$stop, &$n) { while (!$stop) { $list = [3, 1, 2, 5, 4]; usort($list, fn ($a, $b) => $a <=> $b); $n += $list === [1, 2, 3, 4, 5] ? 1 : die("unsorted"); } });
    Co::sleep(0.05);
    $stop = true;
    echo "stopped\n";
});
?>
--EXPECT--
stopped
