<?php
// The cost of processes from PHP: a child of a parent with 50 MB of PHP heap until its first line arrives, a pool's worker from
// its death to its successor's first line (milliseconds, the median of 21), and round trips of 100 bytes through a pipe, and
// through bare system calls, made by the program given as the argument.
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
    usleep(150000); // long enough not to count as a failed start
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
[$own, $bare, $ratios] = [INF, INF, []];
for ($round = 0; $round < 5; $round++) {
    $begun = hrtime(true);
    for ($n = 0; $n < TRIPS; $n++) {
        $echo->write($data);
        $echo->read();
    }
    $took = (hrtime(true) - $begun) / TRIPS / 1e3;
    $beside = (float) shell_exec(escapeshellarg($argv[1]) . ' pipe bare');
    [$own, $bare, $ratios[]] = [min($own, $took), min($bare, $beside), $took / $beside];
}
$echo->write('end');
Process::wait();
printf("  PHP, round trip of 100 bytes through a pipe %5.1f us, through bare system calls %.1f us: %.2f (goal 1.1)\n", $own, $bare, median($ratios));
