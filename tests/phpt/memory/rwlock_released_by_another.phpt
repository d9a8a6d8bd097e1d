--TEST--
A read-write lock is released by its holder only, in each of its modes, and passes on when the holder ends
--EXTENSIONS--
swoole
pcntl
posix
--FILE--
<?php
function in_child(callable $body): int
{
    $child = pcntl_fork();
    if ($child === 0) {
        exit($body() ? 1 : 0);
    }
    pcntl_waitpid($child, $status);
    return pcntl_wexitstatus($status);
}
foreach (['exclusive' => LOCK_EX, 'shared' => LOCK_SH] as $name => $how) {
    $lock = new Swoole\Lock(SWOOLE_RWLOCK);
    var_dump($lock->lock($how));
    echo "$name, another process releases: ", in_child(fn () => @$lock->unlock()), "\n";
    echo "$name, still held: ", 1 - in_child(fn () => $lock->lock(LOCK_EX | LOCK_NB)), "\n";
    echo "$name, another reader enters: ", in_child(fn () => $lock->lock(LOCK_SH | LOCK_NB)), "\n";
    var_dump($lock->unlock());
    echo "$name, free then: ", in_child(fn () => $lock->lock(LOCK_EX | LOCK_NB)), "\n";
    // The holder is killed, and its part of the lock is free.
    $holder = pcntl_fork();
    if ($holder === 0) {
        $lock->lock($how);
        posix_kill(getmypid(), SIGKILL);
    }
    pcntl_waitpid($holder, $status);
    var_dump($lock->lock(LOCK_EX), $lock->unlock());
}
?>
--EXPECT--
bool(true)
exclusive, another process releases: 0
exclusive, still held: 1
exclusive, another reader enters: 0
bool(true)
exclusive, free then: 1
bool(true)
bool(true)
bool(true)
shared, another process releases: 0
shared, still held: 1
shared, another reader enters: 1
bool(true)
shared, free then: 1
bool(true)
bool(true)
