<?php
// New code without a restart: a replaced worker loads again the code that workers load after their start.
// Send a name with  nc 127.0.0.1 9501, change the text in reload_logic.php, send `reload`, and send the name again.
// Connections stay open: the master keeps them while workers are replaced. `kill -USR1 PID` does the same as `reload`.
//
//     php -d extension=target/release/libswoosh_php.so examples/php/reload.php [port] [file]
//
// The port is the first argument, else the environment's SWOOSH_PORT, else 9501; 0 takes a free one.
use Swoole\Server;

$port = (int) ($argv[1] ?? $_SERVER['SWOOSH_PORT'] ?? 9501);
$file = $argv[2] ?? __DIR__ . '/reload_logic.php';

// Code loaded here, before start(), is inherited by every worker and changes only with a restart. Therefore only the
// autoloader is here, and the class is loaded when a worker first uses it.
spl_autoload_register(function (string $class) use ($file) {
    if ($class === 'Greeter') {
        function_exists('opcache_invalidate') && opcache_invalidate($file, true);
        require $file;
    }
});

$server = new Server('127.0.0.1', $port, SWOOLE_PROCESS);
$server->set(['worker_num' => 2, 'open_eof_split' => true, 'package_eof' => "\n"]);

$server->on('start', function (Server $server) {
    echo "reload server on 127.0.0.1:{$server->port}, process {$server->master_pid}; stop it with Ctrl+C\n";
});
$server->on('afterReload', fn () => print "the workers are being replaced\n");

$server->on('receive', function (Server $server, int $fd, int $reactor, string $line) {
    $name = trim($line);
    if ($name === 'reload') {
        $server->send($fd, "reloading\n");
        $server->reload();
        return;
    }
    $server->send($fd, Greeter::greet($name) . ' (process ' . getmypid() . ")\n");
});

$server->start();
