<?php
// Slow work in task workers: the worker that receives requests passes it on and continues.
// Send a number with  nc 127.0.0.1 9501  and get the number of primes below it.
//
//     php -d extension=target/release/libswoosh_php.so examples/php/task.php [port]
//
// The port is the first argument, else the environment's SWOOSH_PORT, else 9501; 0 takes a free one.
use Swoole\Server;

$port = (int) ($argv[1] ?? $_SERVER['SWOOSH_PORT'] ?? 9501);

$server = new Server('127.0.0.1', $port, SWOOLE_PROCESS);
$server->set(['worker_num' => 1, 'task_worker_num' => 2, 'open_eof_split' => true, 'package_eof' => "\n"]);

$server->on('start', function (Server $server) {
    echo "task server on 127.0.0.1:{$server->port}; stop it with Ctrl+C\n";
});

$server->on('receive', function (Server $server, int $fd, int $reactor, string $line) {
    // A task is any value that can be serialised. It contains the connection's id for the reply.
    $task = $server->task(['fd' => $fd, 'below' => min((int) $line, 1_000_000)]);
    $server->send($fd, "task $task is queued\n");
});

// In a task worker, one task at a time. It may block: only its own result waits for it.
$server->on('task', function (Server $server, int $task, int $from, array $work) {
    $primes = 0;
    for ($n = 2; $n < $work['below']; $n++) {
        for ($d = 2; $d * $d <= $n && $n % $d; $d++);
        $primes += $d * $d > $n ? 1 : 0;
    }
    return $work + ['primes' => $primes, 'by' => $server->worker_id]; // the return value is passed to finish
});

// In the worker that sent the task.
$server->on('finish', function (Server $server, int $task, array $done) {
    $server->send($done['fd'], "task $task: {$done['primes']} primes below {$done['below']}, by worker {$done['by']}\n");
});

$server->start();
