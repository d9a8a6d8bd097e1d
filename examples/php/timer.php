<?php
// Timers in a server: each connection gets a tick every 100 ms until it sends `stop` or closes.
// `after` requests one message, half a second later. Try it with  nc 127.0.0.1 9501
//
//     php -d extension=target/release/libswoosh_php.so examples/php/timer.php [port]
//
// The port is the first argument, else the environment's SWOOSH_PORT, else 9501; 0 takes a free one.
use Swoole\Server;
use Swoole\Timer;

$port = (int) ($argv[1] ?? $_SERVER['SWOOSH_PORT'] ?? 9501);

$server = new Server('127.0.0.1', $port, SWOOLE_PROCESS);
$server->set(['worker_num' => 2, 'open_eof_split' => true, 'package_eof' => "\n"]);

$server->on('start', function (Server $server) {
    echo "timer server on 127.0.0.1:{$server->port}; stop it with Ctrl+C\n";
});

// A timer belongs to the process that created it: here, to the connection's worker.
$timers = [];

$server->on('connect', function (Server $server, int $fd) use (&$timers) {
    $count = 0;
    $timers[$fd] = Timer::tick(100, function () use ($server, $fd, &$count) {
        $server->send($fd, 'tick ' . ++$count . "\n");
    });
});

$server->on('receive', function (Server $server, int $fd, int $reactor, string $line) use (&$timers) {
    if (trim($line) === 'stop') {
        $cleared = Timer::clear($timers[$fd]);
        $server->send($fd, $cleared ? "stopped\n" : "there is no running timer\n");
    } elseif (trim($line) === 'after') {
        Timer::after(500, fn () => $server->exists($fd) && $server->send($fd, "half a second later\n"));
    }
});

// A timer that is not cleared runs forever, and keeps the values that its function uses.
$server->on('close', function (Server $server, int $fd) use (&$timers) {
    Timer::clear($timers[$fd]);
    unset($timers[$fd]);
    echo "connection $fd is closed, " . count(iterator_to_array(Timer::list())) . " timers left in its worker\n";
});

// Timers delay the shutdown of a worker; without this it ends only after max_wait_time.
$server->on('workerExit', fn () => Timer::clearAll());

$server->start();
