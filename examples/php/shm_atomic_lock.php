<?php
// Numbers and locks that processes share. A lock whose holder is killed passes on.
//
//     php -d extension=target/release/libswoosh_php.so examples/php/shm_atomic_lock.php
use Swoole\Atomic;
use Swoole\Lock;
use Swoole\Process;

$sum = new Atomic();
$long = new Atomic\Long(PHP_INT_MAX);
$lock = new Lock(SWOOLE_MUTEX);
$file = tempnam(sys_get_temp_dir(), 'lock');
file_put_contents($file, '0');
for ($n = 0; $n < 3; $n++) {
    (new Process(function () use ($sum, $lock, $file) {
        for ($i = 0; $i < 100; $i++) {
            $sum->add(2);
            // Reading and writing must not be interleaved: one process at a time.
            $lock->lock();
            file_put_contents($file, file_get_contents($file) + 1);
            $lock->unlock();
        }
    }, false, 0))->start();
}
while (Process::wait());
echo 'atomic ', $sum->get(), ', file ', file_get_contents($file), "\n";
unlink($file);
echo 'a long wraps around: ', json_encode($long->add(1) === PHP_INT_MIN), "\n";

(new Process(function () use ($lock) {
    $lock->lock();
    posix_kill(getmypid(), SIGKILL);
}, false, 0))->start();
Process::wait();
echo 'after its holder was killed: ', json_encode($lock->lock(LOCK_EX, 5)), "\n";

// Waits for a number to become 1.
$ready = new Atomic();
(new Process(function () use ($ready) {
    usleep(20000);
    $ready->wakeup();
}, false, 0))->start();
echo 'woken: ', json_encode($ready->wait(5)), "\n";
Process::wait();
