<?php
// How long does a variable live? A server's life has four layers, each within the one before.
// Send lines with  nc 127.0.0.1 9501  from several terminals, and compare the answers.
//
//     php -d extension=target/release/libswoosh_php.so examples/php/lifecycle.php [port]
//
// The port is the first argument, else the environment's SWOOSH_PORT, else 9501; 0 takes a free one.
use Swoole\Server;

$port = (int) ($argv[1] ?? $_SERVER['SWOOSH_PORT'] ?? 9501);

// 1. The program: data created before start() exists once, and every process gets a copy of it when it is forked.
//    Settings and classes belong here. A change needs a restart.
$program = 'program ' . bin2hex(random_bytes(4));

// 2. The process: data created by workerStart lives as long as that worker. Database connections belong here, since a
//    connection must not be shared by processes. A reload creates it anew.
$process = null;
$lines_of_process = 0;

// 3. The session: from connect to close. All lines of a connection go to one worker (dispatch_mode 2, the default), so
//    that a worker's array can hold its data. Entries that close does not remove stay as long as the worker: a leak.
$sessions = [];

$server = new Server('127.0.0.1', $port, SWOOLE_PROCESS);
$server->set(['worker_num' => 2, 'open_eof_split' => true, 'package_eof' => "\n"]);

$server->on('start', function (Server $server) {
    echo "lifecycle server on 127.0.0.1:{$server->port}; stop it with Ctrl+C\n";
});

$server->on('workerStart', function (Server $server, int $id) use (&$process) {
    $process = "worker $id " . bin2hex(random_bytes(4));
});

$server->on('connect', function (Server $server, int $fd) use (&$sessions) {
    $sessions[$fd] = ['lines' => 0];
});

$server->on('receive', function (Server $server, int $fd, int $reactor, string $line)
    use ($program, &$process, &$lines_of_process, &$sessions) {
    // 4. The request: local variables, freed when this function returns.
    $request = strlen(trim($line));
    $lines_of_process++;
    $sessions[$fd]['lines']++;
    $server->send($fd, "$program, $process with $lines_of_process lines and " . count($sessions)
        . " sessions, session $fd with {$sessions[$fd]['lines']} lines, request of $request bytes\n");
});

$server->on('close', function (Server $server, int $fd) use (&$sessions) {
    unset($sessions[$fd]);
    echo "session $fd is over\n";
});

$server->start();
