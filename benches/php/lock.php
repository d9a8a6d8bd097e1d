<?php
// The cost of acquiring and releasing an uncontended lock from PHP, in nanoseconds: the best of five rounds.
foreach (['Lock, mutex' => SWOOLE_MUTEX, 'Lock, read-write' => SWOOLE_RWLOCK, 'Lock, spin' => SWOOLE_SPINLOCK] as $what => $type) {
    $lock = new Swoole\Lock($type);
    $best = INF;
    for ($round = 0; $round < 5; $round++) {
        $begun = hrtime(true);
        for ($n = 0; $n < 200000; $n++) {
            $lock->lock();
            $lock->unlock();
        }
        $best = min($best, (hrtime(true) - $begun) / 200000);
    }
    printf("  PHP, %-23s %5.0f%s\n", $what, $best, $type === SWOOLE_MUTEX ? ' (two method calls)' : '');
}
