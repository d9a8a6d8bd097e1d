--TEST--
A cancelled coroutine that holds a lock or waits for one leaves the lock usable
--EXTENSIONS--
swoole
--FILE--
<?php
use Swoole\Coroutine as Co;
Co\run(function () {
    $lock = new Co\Lock;
    $holder = go(function () use ($lock) { $lock->lock(); try { Co::sleep(5); } finally { $lock->unlock(); echo "holder lets go\n"; } });
    $waiter = go(function () use ($lock) { try { $lock->lock(); echo "never\n"; } catch (Co\CanceledException | Swoole\Coroutine\CanceledException $e) { echo "waiter cancelled\n"; } });
    $next = go(function () use ($lock) { $lock->lock(); echo "next has it\n"; Co::sleep(0.005); $lock->unlock(); });
    Co::cancel($waiter, true);
    try { Co::cancel($holder, false); } catch (Throwable $e) { echo get_class($e); }
    Co::join([$next]);
    echo 'free ', var_export($lock->lock(LOCK_EX | LOCK_NB), true), "\n";
});
?>
--EXPECT--
waiter cancelled
holder lets go
next has it
free true
