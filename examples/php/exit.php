<?php
// exit() ends the whole worker, with all its other requests. Commands, by  nc 127.0.0.1 9501:
//     who      which process answers
//     exit     wrong: it throws a Swoole\ExitException, which nothing catches here: the worker ends with status 255, the
//              manager starts another, the connection stays, but the reply is lost
//     leave    right: an exception leaves the request from any depth, and is caught where the request began
//     stop     right: for a worker that is to be replaced, which ends in order
//
//     php -d extension=target/release/libswoosh_php.so examples/php/exit.php [port]
//
// The port is the first argument, else the environment's SWOOSH_PORT, else 9501; 0 takes a free one.
use Swoole\Server;

$port = (int) ($argv[1] ?? $_SERVER['SWOOSH_PORT'] ?? 9501);

/** Ends a request, as exit() does in a script for PHP-FPM. */
class Leave extends Exception
{
}

$server = new Server('127.0.0.1', $port, SWOOLE_PROCESS);
$server->set(['worker_num' => 1, 'open_eof_split' => true, 'package_eof' => "\n"]);

$server->on('start', function (Server $server) {
    echo "exit server on 127.0.0.1:{$server->port}; stop it with Ctrl+C\n";
});
$server->on('workerStart', fn () => print 'worker runs as process ' . getmypid() . "\n");
$server->on('workerStop', fn () => print 'process ' . getmypid() . " ends in order\n");
$server->on('workerError', function (Server $server, int $id, int $pid, int $status, int $signal) {
    echo "process $pid ended with status $status\n";
});

$server->on('receive', function (Server $server, int $fd, int $reactor, string $line) {
    try {
        $server->send($fd, handle($server, trim($line)) . "\n");
    } catch (Leave $early) {
        $server->send($fd, $early->getMessage() . "\n");
    }
});

function handle(Server $server, string $command): string
{
    if ($command === 'exit') {
        exit(3);
    }
    if ($command === 'leave') {
        throw new Leave('left early, in process ' . getmypid());
    }
    if ($command === 'stop') {
        $server->stop();
    }
    return 'process ' . getmypid();
}

$server->start();
