--TEST--
The timers of a process do not run in its children
--EXTENSIONS--
swoole
--SKIPIF--
<?php extension_loaded('pcntl') || die('skip pcntl is needed'); ?>
--FILE--
<?php
Swoole\Timer::after(20, fn () => print("timer of the parent\n"));
if (($pid = pcntl_fork()) === 0) {
    echo 'child has ', count(Swoole\Timer::list()), "\n";
    Swoole\Timer::after(1, fn () => print("timer of the child\n"));
    return;
}
pcntl_waitpid($pid, $status);
echo 'parent has ', count(Swoole\Timer::list()), "\n";
?>
--EXPECT--
child has 0
timer of the child
parent has 1
timer of the parent
