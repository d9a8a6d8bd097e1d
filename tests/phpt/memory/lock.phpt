--TEST--
Lock has all kinds, shared and timed locking and errCode, and passes on when the holder is killed
--EXTENSIONS--
swoole
pcntl
posix
--FILE--
<?php
$child = function (callable $act): bool {
    if (($pid = pcntl_fork()) === 0) {
        $act() || posix_kill(getmypid(), SIGKILL);
        posix_kill(getmypid(), SIGTERM);
    }
    pcntl_waitpid($pid, $status);
    return pcntl_wtermsig($status) === SIGTERM;
};
foreach (['MUTEX', 'RWLOCK', 'SPINLOCK'] as $name) {
    $l = new Swoole\Lock(constant("Swoole\\Lock::$name"));
    echo "$name\n";
    var_dump($l->lock(), $child(fn () => !$l->lock(LOCK_EX, 0.02) && $l->errCode === 110), $name !== 'RWLOCK' || $child(fn () => !$l->unlock() && $l->errCode === 1));
    // Acquiring a lock that is held already would wait forever.
    var_dump($l->lock(), $l->errCode, $l->unlock(), $l->errCode, $l->unlock());
    // The child is killed while it holds the lock.
    var_dump($child(fn () => $l->lock()), $l->lock(LOCK_EX, 5), $l->unlock());
    var_dump($l->lock(LOCK_SH), $child(fn () => $l->lock(LOCK_SH | LOCK_NB)), $l->unlock());
}
try {
    new Swoole\Lock(4);
} catch (Swoole\Exception $e) {
    echo $e->getCode(), ' ', $e->getMessage(), "\n";
}
// An object destroyed while it is locked does no harm.
(function () {
    $l = new Swoole\Lock();
    $l->lock();
})();
$l = new swoole_lock();
var_dump($l->lock(), $l->unlock(), $l->errCode);
class Mine extends Swoole\Lock
{
    public function __construct() {}
}
try {
    (new Mine())->lock();
} catch (Error $e) {
    echo $e->getMessage(), "\n";
}
?>
--EXPECT--
MUTEX
bool(true)
bool(true)
bool(true)
bool(false)
int(35)
bool(true)
int(0)
bool(false)
bool(true)
bool(true)
bool(true)
bool(true)
bool(false)
bool(true)
RWLOCK
bool(true)
bool(true)
bool(true)
bool(false)
int(35)
bool(true)
int(0)
bool(false)
bool(true)
bool(true)
bool(true)
bool(true)
bool(true)
bool(true)
SPINLOCK
bool(true)
bool(true)
bool(true)
bool(false)
int(35)
bool(true)
int(0)
bool(false)
bool(true)
bool(true)
bool(true)
bool(true)
bool(false)
bool(true)
4 unknown lock type 4: use Lock::MUTEX, Lock::RWLOCK or Lock::SPINLOCK
bool(true)
bool(true)
int(0)
must call constructor first
