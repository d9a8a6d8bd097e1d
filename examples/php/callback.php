<?php
// Every event of a server, with the process it runs in. Commands, by  nc 127.0.0.1 9501:
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
    'buffer_high_watermark' => 512 * 1024, // bufferFull when this much waits for a client that does not read
    'buffer_low_watermark' => 64 * 1024,   // bufferEmpty when it has shrunk to this
    'kernel_socket_send_buffer_size' => 64 * 1024,
]);
$datagrams = $server->listen('127.0.0.1', 0, SWOOLE_SOCK_UDP);

/** Prints the event and its process, then runs the callback. */
function log_event(string $event, ?callable $do = null): callable
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

// The master process.
$server->on('start', log_event('start', function (Server $server) use ($datagrams) {
    echo "callback server on 127.0.0.1:{$server->port}, datagrams on 127.0.0.1:{$datagrams->port}; stop it with Ctrl+C\n";
}));
$server->on('beforeShutdown', log_event('beforeShutdown'));
$server->on('shutdown', log_event('shutdown'));

// The manager process, which supervises the workers.
$server->on('managerStart', log_event('managerStart'));
$server->on('managerStop', log_event('managerStop'));
$server->on('workerError', log_event('workerError')); // a worker has crashed and is being replaced
$server->on('beforeReload', log_event('beforeReload'));
$server->on('afterReload', log_event('afterReload'));

// Start and stop of workers and task workers.
$timer = null;
$server->on('workerStart', log_event('workerStart', function (Server $server) use (&$timer) {
    $timer = $server->taskworker ? null : Timer::tick(1000, fn () => null);
}));
// A worker that shuts down waits for its timers and the like. This event repeats until nothing keeps the worker alive.
$server->on('workerExit', log_event('workerExit', function () use (&$timer) {
    $timer && Timer::clear($timer);
}));
$server->on('workerStop', log_event('workerStop'));

// Workers: events of clients.
$server->on('connect', log_event('connect'));
$server->on('receive', log_event('receive', function (Server $server, int $fd, int $reactor, string $line) {
    match (trim($line)) {
        'task' => $server->task('work'),
        'message' => $server->sendMessage('hi', 1 - $server->worker_id), // to the other worker
        'flood' => $server->send($fd, str_repeat('x', 6 * 1024 * 1024)),
        'reload' => $server->reload(),
        'crash' => posix_kill(getmypid(), SIGKILL),
        default => $server->send($fd, "commands: task, message, flood, reload, crash\n"),
    };
}));
$server->on('bufferFull', log_event('bufferFull'));
$server->on('bufferEmpty', log_event('bufferEmpty'));
$server->on('close', log_event('close'));
$server->on('packet', log_event('packet'));

// Messages between processes.
$server->on('task', log_event('task', fn () => 'done')); // the return value of a task is passed to finish
$server->on('finish', log_event('finish'));
$server->on('pipeMessage', log_event('pipeMessage'));

$server->start();
