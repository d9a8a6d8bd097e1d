--TEST--
A server takes the socket that a service manager holds open, and reports readiness, reloads, health and shutdown to it
--EXTENSIONS--
swoole
pcntl
posix
--FILE--
<?php
require __DIR__ . '/../inc/example.inc';

$program = tempnam(sys_get_temp_dir(), 'service') . '.php';
file_put_contents($program, <<<'PHP'
    <?php
    [, $host, $port, $mode, $workers] = $argv;
    $server = new Swoole\Http\Server($host, (int) $port, (int) $mode);
    $server->set(['worker_num' => (int) $workers, 'log_level' => SWOOLE_LOG_NONE]);
    $server->on('workerStart', fn () => usleep(50000));
    $server->on('request', fn ($request, $response) => $response->end('served'));
    $server->start();
    PHP);
$path = tempnam(sys_get_temp_dir(), 'notify');
unlink($path);
$manager = stream_socket_server("udg://$path", flags: STREAM_SERVER_BIND);
$next = function () use ($manager): string {
    $read = [$manager];
    $none = null;
    return stream_select($read, $none, $none, 20) ? stream_socket_recvfrom($manager, 4096) : 'nothing';
};
$until = function (string $line) use ($next): string {
    while (!str_contains($message = $next(), $line) && $message !== 'nothing');
    return strtok($message, "\n");
};

// The socket exists before the server does, and stays when it ends: a second server serves the clients that waited meanwhile.
$listener = stream_socket_server('tcp://127.0.0.1:0');
$address = stream_socket_get_name($listener, false);
[$host, $port] = explode(':', $address);
foreach (['process' => [SWOOLE_PROCESS, 2], 'base' => [SWOOLE_BASE, 2], 'alone' => [SWOOLE_BASE, 1]] as $name => [$mode, $workers]) {
    $waiting = stream_socket_client("tcp://$address");
    fwrite($waiting, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    $command = ['sh', '-c', 'LISTEN_PID=$$ exec "$@"', 'sh', PHP_BINARY, '-n', ...extensions(), $program, $host, $port, $mode, $workers];
    $environment = ['NOTIFY_SOCKET' => $path, 'WATCHDOG_USEC' => '500000', 'LISTEN_FDS' => '1', 'LISTEN_FDNAMES' => 'web'] + getenv();
    $server = proc_open($command, [3 => $listener], $pipes, null, $environment);
    $pid = proc_get_status($server)['pid'];
    echo "$name: ", $until('READY=1'), ', ', substr(stream_get_contents($waiting), -6);
    echo ', ', $until('WATCHDOG=1'), ', ', $until('WATCHDOG=1');
    if ($workers > 1) {
        posix_kill($pid, SIGUSR1);
        echo ', ', $until('RELOADING=1'), ', ', $until('READY=1');
    }
    posix_kill($pid, SIGTERM);
    echo ', ', $until('STOPPING=1'), "\n";
    proc_close($server);
}
unlink($path);
unlink($program);
?>
--EXPECT--
process: READY=1, served, WATCHDOG=1, WATCHDOG=1, RELOADING=1, READY=1, STOPPING=1
base: READY=1, served, WATCHDOG=1, WATCHDOG=1, RELOADING=1, READY=1, STOPPING=1
alone: READY=1, served, WATCHDOG=1, WATCHDOG=1, STOPPING=1
