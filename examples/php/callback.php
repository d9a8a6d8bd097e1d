<?php
// Every event of a server, with the process it happens in. Commands, by  nc 127.0.0.1 9501:
//     task, message, flood, reload, crash
// and a datagram for the packet event, by  nc -u 127.0.0.1 PORT  (the second port that is printed).
//
//     php -d extension=target/release/libswoosh_php.so examples/php/callback.php [port]
//
// The port is the first argument, else the environment's SWOOSH_PORT, else 9501; 0 takes a free one.
use Swoole\Server;
use Swoole\Timer;

$port = (int) ($argv[1] ?? $_SERVER['SWOOSH_PORT'] ?? 9501);

$server = new Server('127.0.0.1', $port, SWOOLE_PROCESS);
$server->set([
    'worker_num' => 2,
    'task_worker_num' => 1,
    'open_eof_split' => true,
    'package_eof' => "\n",
    'buffer_high_watermark' => 512 * 1024, // bufferFull when so much waits for a client that does not read
    'buffer_low_watermark' => 64 * 1024,   // bufferEmpty when it is so little again
    'kernel_socket_send_buffer_size' => 64 * 1024,
]);
$datagrams = $server->listen('127.0.0.1', 0, SWOOLE_SOCK_UDP);

/** Prints the event and its process, then does what there is to do. */
function told(string $event, ?callable $do = null): callable
{
    return function (Server $server, ...$arguments) use ($event, $do) {
        $process = match (true) {
            $server->worker_id >= 0 => ($server->taskworker ? 'task worker ' : 'worker ') . $server->worker_id,
            getmypid() === $server->master_pid => 'master',
            default => 'manager',
        };
        $pid = getmypid();
        echo "$event in $process, pid $pid\n"; // one string: parts might mix with those of other processes
        return $do ? $do($server, ...$arguments) : null;
    };
}

// The master: the whole server.
$server->on('start', told('start', function (Server $server) use ($datagrams) {
    echo "callback server on 127.0.0.1:{$server->port}, datagrams on 127.0.0.1:{$datagrams->port}; stop it with Ctrl+C\n";
}));
$server->on('beforeShutdown', told('beforeShutdown'));
$server->on('shutdown', told('shutdown'));

// The manager: it looks after the workers.
$server->on('managerStart', told('managerStart'));
$server->on('managerStop', told('managerStop'));
$server->on('workerError', told('workerError')); // a worker has crashed, and is replaced
$server->on('beforeReload', told('beforeReload'));
$server->on('afterReload', told('afterReload'));

// Workers and task workers: their own life.
$timer = null;
$server->on('workerStart', told('workerStart', function (Server $server) use (&$timer) {
    $timer = $server->taskworker ? null : Timer::tick(1000, fn () => null);
}));
// A worker that is to end waits for its timers and the like. It is told again and again until nothing holds it.
$server->on('workerExit', told('workerExit', function () use (&$timer) {
    $timer && Timer::clear($timer);
}));
$server->on('workerStop', told('workerStop'));

// Workers: what clients do.
$server->on('connect', told('connect'));
$server->on('receive', told('receive', function (Server $server, int $fd, int $reactor, string $line) {
    match (trim($line)) {
        'task' => $server->task('work'),
        'message' => $server->sendMessage('hi', 1 - $server->worker_id), // to the other worker
        'flood' => $server->send($fd, str_repeat('x', 6 * 1024 * 1024)),
        'reload' => $server->reload(),
        'crash' => posix_kill(getmypid(), SIGKILL),
        default => $server->send($fd, "commands: task, message, flood, reload, crash\n"),
    };
}));
$server->on('bufferFull', told('bufferFull'));
$server->on('bufferEmpty', told('bufferEmpty'));
$server->on('close', told('close'));
$server->on('packet', told('packet'));

// Between processes.
$server->on('task', told('task', fn () => 'done')); // what a task returns, finish gets
$server->on('finish', told('finish'));
$server->on('pipeMessage', told('pipeMessage'));

$server->start();
