<?php
// Sharing data between workers: a number in an Atomic, rows in a Table, everything else by messages. Commands, by
// nc 127.0.0.1 9501:
//     add           adds to a number that all processes share
//     put KEY TEXT  stores a row that all processes share
//     row KEY       prints it, and how often it was requested
//     set KEY VALUE stores a value, and sends it to the other workers
//     get KEY       the value in this connection's worker
//
//     php -d extension=target/release/libswoosh_php.so examples/php/multiprocess_share_data.php [port]
//
// The port is the first argument, else the environment's SWOOSH_PORT, else 9501; 0 takes a free one.
use Swoole\Atomic;
use Swoole\Server;
use Swoole\Table;

$port = (int) ($argv[1] ?? $_SERVER['SWOOSH_PORT'] ?? 9501);
$workers = 2;

// Created before start(), and therefore in memory that every process shares. No concurrent add() is lost.
$number = new Atomic();

// Rows are shared likewise. A string column has a fixed length; a full table refuses new rows.
$table = new Table(1024);
$table->column('text', Table::TYPE_STRING, 100);
$table->column('asked', Table::TYPE_INT);
$table->create();

// Each worker has its own array: messages keep the copies equal. A replaced worker begins with an empty one, so this
// suits data that can be recreated (a cache); data that must not be lost belongs in a database.
$known = [];

$server = new Server('127.0.0.1', $port, SWOOLE_PROCESS);
$server->set(['worker_num' => $workers, 'open_eof_split' => true, 'package_eof' => "\n"]);

$server->on('start', function (Server $server) {
    echo "share server on 127.0.0.1:{$server->port}; stop it with Ctrl+C\n";
});

$server->on('receive', function (Server $server, int $fd, int $reactor, string $line)
    use ($number, $table, $workers, &$known) {
    [$command, $key, $value] = explode(' ', trim($line), 3) + ['', '', ''];
    switch ($command) {
        case 'add':
            $answer = (string) $number->add();
            break;
        case 'put':
            $answer = $table->set($key, ['text' => $value]) ? 'put' : 'refused';
            break;
        case 'row':
            $found = $table->exists($key) && $table->incr($key, 'asked');
            $answer = $found ? implode(', ', $table->get($key)) : 'unknown';
            break;
        case 'set':
            $known[$key] = $value;
            for ($id = 0; $id < $workers; $id++) {
                $id === $server->worker_id || $server->sendMessage([$key, $value], $id);
            }
            $answer = 'kept';
            break;
        case 'get':
            $answer = $known[$key] ?? 'unknown';
            break;
        default:
            $answer = 'commands: add, put KEY TEXT, row KEY, set KEY VALUE, get KEY';
    }
    $server->send($fd, "worker {$server->worker_id}: $answer\n");
});

// A message is any value that can be serialised; it is delivered between two requests.
$server->on('pipeMessage', function (Server $server, int $from, array $message) use (&$known) {
    [$key, $value] = $message;
    $known[$key] = $value;
});

$server->start();
