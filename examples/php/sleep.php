<?php
// A worker does one thing at a time: while it sleeps, or blocks on a database, all its connections wait.
// Commands, by  nc 127.0.0.1 9501  from two terminals (there is one worker for both):
//     sleep    wrong: the worker sleeps for two seconds, and the other terminal gets no reply meanwhile
//     later    right: a timer replies after two seconds, and the worker continues
//     task     right: a task worker sleeps instead, for work that has to block
//
//     php -d extension=target/release/libswoosh_php.so examples/php/sleep.php [port] [milliseconds]
//
// The port is the first argument, else the environment's SWOOSH_PORT, else 9501; 0 takes a free one.
use Swoole\Server;
use Swoole\Timer;

$port = (int) ($argv[1] ?? $_SERVER['SWOOSH_PORT'] ?? 9501);
$ms = (int) ($argv[2] ?? 2000);

$server = new Server('127.0.0.1', $port, SWOOLE_PROCESS);
$server->set(['worker_num' => 1, 'task_worker_num' => 1, 'open_eof_split' => true, 'package_eof' => "\n"]);

$server->on('start', function (Server $server) {
    echo "sleep server on 127.0.0.1:{$server->port}; stop it with Ctrl+C\n";
});

/** Replies with a number, which shows the order of replies. */
function answer(Server $server, int $fd, string $what): void
{
    static $answers = 0;
    $server->send($fd, 'answer ' . ++$answers . ": $what\n");
}

$server->on('receive', function (Server $server, int $fd, int $reactor, string $line) use ($ms) {
    $command = trim($line);
    echo "$command begins\n";
    switch ($command) {
        case 'sleep':
            usleep($ms * 1000);
            answer($server, $fd, 'slept');
            break;
        case 'later':
            Timer::after($ms, fn () => answer($server, $fd, 'the timer has run'));
            break;
        case 'task':
            $server->task($fd);
            break;
        default:
            answer($server, $fd, "hello $command");
    }
});

$server->on('task', function (Server $server, int $task, int $from, int $fd) use ($ms) {
    usleep($ms * 1000);
    return $fd;
});
$server->on('finish', fn (Server $server, int $task, int $fd) => answer($server, $fd, 'the task is done'));

$server->start();
