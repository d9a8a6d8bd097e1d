<?php
// What processes cost from PHP: a child of a parent with 50 MB of PHP heap until its first line arrives, a pool's worker from
// its death to its successor's first line (milliseconds, the median of 21), and 100 bytes there and back by a pipe beside the same
// over a bare socket pair (the best of five rounds).
use Swoole\Process;
use Swoole\Process\Pool;

function median(array $all): float
{
    sort($all);
    return $all[intdiv(count($all), 2)];
}

$heap = [];
for ($n = 0; memory_get_usage() < 50 << 20; $n++) {
    $heap[] = "a string of its own, number $n";
}
$times = [];
for ($n = 0; $n < 21; $n++) {
    $child = new Process(fn ($p) => $p->write('here'));
    $begun = hrtime(true);
    $child->start();
    $child->read();
    $times[] = (hrtime(true) - $begun) / 1e6;
    Process::wait();
}
printf("  fork with 50 MB of heap, to the first line %7.2f ms (goal 5)\n", median($times));

[$here, $there] = stream_socket_pair(STREAM_PF_UNIX, STREAM_SOCK_DGRAM, 0);
Swoole\Coroutine::set(['log_level' => SWOOLE_LOG_NONE]);
if (($pid = pcntl_fork()) === 0) {
    $pool = new Pool(2);
    $pool->on('workerStart', function ($pool) use ($there) {
        fwrite($there, (string) getmypid());
        while ($pool->workerRunning) {
            usleep(100000);
        }
    });
    $pool->start();
    posix_kill(getmypid(), SIGKILL);
}
$workers = [(int) fread($here, 100), (int) fread($here, 100)];
$times = [];
for ($n = 0; $n < 21; $n++) {
    usleep(150000); // it has lived: this is no death at its start
    $begun = hrtime(true);
    posix_kill(array_shift($workers), SIGKILL);
    $workers[] = (int) fread($here, 100);
    $times[] = (hrtime(true) - $begun) / 1e6;
}
posix_kill($pid, SIGTERM);
pcntl_waitpid($pid, $status);
printf("  a pool's worker from its death to its successor %4.2f ms (goal 20)\n", median($times));

const TRIPS = 20000;
$data = str_repeat('x', 100);
$echo = new Process(function ($p) {
    while (($got = $p->read()) !== 'end') {
        $p->write($got);
    }
});
$echo->start();
[$mine, $other] = stream_socket_pair(STREAM_PF_UNIX, STREAM_SOCK_DGRAM, 0);
$bare = new Process(function () use ($other) {
    while (($got = fread($other, 8192)) !== 'end') {
        fwrite($other, $got);
    }
}, false, Process::PIPE_TYPE_NONE);
$bare->start();
[$own, $plain] = [INF, INF];
for ($round = 0; $round < 5; $round++) {
    $begun = hrtime(true);
    for ($n = 0; $n < TRIPS; $n++) {
        $echo->write($data);
        $echo->read();
    }
    $own = min($own, (hrtime(true) - $begun) / TRIPS);
    $begun = hrtime(true);
    for ($n = 0; $n < TRIPS; $n++) {
        fwrite($mine, $data);
        fread($mine, 8192);
    }
    $plain = min($plain, (hrtime(true) - $begun) / TRIPS);
}
$echo->write('end');
fwrite($mine, 'end');
Process::wait();
Process::wait();
printf("  100 bytes there and back by a pipe %7.2f us, by PHP's own streams %.2f us: %.2f (goal 1.1)\n", $own / 1e3, $plain / 1e3, $own / $plain);
