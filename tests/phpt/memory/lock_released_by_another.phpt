--TEST--
Lock: a mutex and a spin lock that one process acquired are released by another, and a waiter goes on; a dead holder's lock passes on
--EXTENSIONS--
swoole
pcntl
posix
--FILE--
<?php
require __DIR__ . '/../inc/server.inc';
function in_child(callable $act): int
{
    if (!$pid = pcntl_fork()) {
        $act();
        posix_kill(getmypid(), SIGKILL);
    }
    return $pid;
}
foreach (['MUTEX' => Swoole\Lock::MUTEX, 'SPINLOCK' => Swoole\Lock::SPINLOCK] as $name => $kind) {
    $journal = new Journal();
    $lock = new Swoole\Lock($kind);
    for ($n = 0; $n < 3; $n++) {
        $lock->lock();
        $waiter = in_child(fn () => $lock->lock() && $journal->record("waiter $n goes on") . $lock->unlock());
        pcntl_waitpid(in_child(fn () => $journal->record('released ' . json_encode([$lock->unlock(), $lock->errCode]))), $status);
        pcntl_waitpid($waiter, $status);
    }
    var_dump($lock->unlock(), $lock->errCode);
    pcntl_waitpid(in_child(fn () => $lock->lock()), $status);
    var_dump($lock->lock(), $lock->lock(LOCK_EX, 0.01), $lock->errCode, $lock->unlock());
    $lines = $journal->end();
    sort($lines);
    echo "$name: ", implode(', ', $lines), "\n";
}
?>
--EXPECT--
bool(false)
int(1)
bool(true)
bool(false)
int(35)
bool(true)
MUTEX: released [true,0], released [true,0], released [true,0], waiter 0 goes on, waiter 1 goes on, waiter 2 goes on
bool(false)
int(1)
bool(true)
bool(false)
int(35)
bool(true)
SPINLOCK: released [true,0], released [true,0], released [true,0], waiter 0 goes on, waiter 1 goes on, waiter 2 goes on
