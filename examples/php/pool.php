<?php
// Supervised workers: worker 0 distributes jobs, the others do them and send results back. One of them fails midway: it
// is replaced, and the jobs it had taken are sent again.
//
//     php -d extension=target/release/libswoosh_php.so examples/php/pool.php
use Swoole\Process\Pool;

const JOBS = 10;
$failed = new Swoole\Atomic();
$pool = new Pool(3, SWOOLE_IPC_UNIXSOCK);

$pool->on('start', fn () => print "the pool starts\n");
$pool->on('workerStart', function (Pool $pool, int $id) {
    if ($id === 0) {
        foreach (range(1, JOBS) as $n) {
            $pool->sendMessage("$n", 1 + $n % 2);
        }
    }
});
$results = [];
$pool->on('message', function (Pool $pool, string $message) use ($failed, &$results) {
    if ($pool->workerId === 0) {
        [$n, $square] = explode(' ', $message);
        if (isset($results[$n])) {
            return; // a repeated job
        }
        $results[$n] = $square;
        // A result after a gap: the worker that had taken the jobs before it has been replaced.
        foreach (range(1, JOBS) as $lost) {
            $same = $lost % 2 === $n % 2;
            $same && $lost < $n && !isset($results[$lost]) && $pool->sendMessage("$lost", 1 + $lost % 2);
        }
        if (count($results) === JOBS) {
            ksort($results);
            echo 'squares: ', implode(' ', $results), "\n";
            $pool->shutdown();
        }
        return;
    }
    if ($message === '3' && $failed->add() === 1) {
        echo "worker {$pool->workerId} fails at job 3\n";
        exit(1);
    }
    $pool->sendMessage("$message " . $message ** 2, 0);
});
$pool->on('shutdown', fn () => print "the pool has ended\n");
Swoole\Coroutine::set(['log_level' => SWOOLE_LOG_ERROR]); // otherwise the failed worker is logged
$pool->start();
