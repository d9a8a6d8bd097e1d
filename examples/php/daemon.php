<?php
// A server in the background: it leaves the terminal, writes its process id to a file and everything else to a log.
//
//     php -d extension=target/release/libswoosh_php.so examples/php/daemon.php [port] [folder]
//     kill "$(cat /tmp/swoosh-daemon.pid)"          shuts it down in order
//     kill -USR1 "$(cat /tmp/swoosh-daemon.pid)"    replaces its workers
//
// The port is the first argument, else the environment's SWOOSH_PORT, else 9501; 0 takes a free one.
use Swoole\Server;

$port = (int) ($argv[1] ?? $_SERVER['SWOOSH_PORT'] ?? 9501);
$folder = $argv[2] ?? sys_get_temp_dir();

$server = new Server('127.0.0.1', $port, SWOOLE_PROCESS);
$server->set([
    'worker_num' => 2,
    'open_eof_split' => true,
    'package_eof' => "\n",
    'daemonize' => true,
    'log_file' => "$folder/swoosh-daemon.log", // also receives standard output; a daemon has no terminal
    'pid_file' => "$folder/swoosh-daemon.pid", // removed when the server has ended
]);

$server->on('start', fn (Server $server) => print "the daemon runs as process {$server->master_pid}\n");
$server->on('shutdown', fn () => print "the daemon has ended\n");

$server->on('receive', function (Server $server, int $fd, int $reactor, string $line) {
    echo 'got ' . trim($line) . "\n"; // goes to the log
    $server->send($fd, 'from the background: ' . $line);
});

// The last output on the terminal: start() does not return to it.
echo "daemon on 127.0.0.1:{$server->port}, log in $folder/swoosh-daemon.log\n";
echo "stop it with:  kill \"\$(cat $folder/swoosh-daemon.pid)\"\n";
$server->start();
