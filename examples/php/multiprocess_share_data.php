<?php
// Sharing between workers: a number in an Atomic, rows in a Table, everything else by messages. Commands, by
// nc 127.0.0.1 9501:
//     add           adds to a number that all processes see
//     put KEY TEXT  keeps a row that all processes see
//     row KEY       what is in it, and how often it was asked for
//     set KEY VALUE keeps a value, and tells the other workers
//     get KEY       what this connection's worker knows
//
//     php -d extension=target/release/libswoosh_php.so examples/php/multiprocess_share_data.php [port]
//
// The port is the first argument, else the environment's SWOOSH_PORT, else 9501; 0 takes a free one.
use Swoole\Atomic;
use Swoole\Server;
use Swoole\Table;

$port = (int) ($argv[1] ?? $_SERVER['SWOOSH_PORT'] ?? 9501);
$workers = 2;

// Made before start(), and so in memory that every process sees. add() never loses one, whoever adds at that moment.
$number = new Atomic();

// The same for rows. Text has a length that is fixed here; a table that is full refuses new rows.
$table = new Table(1024);
$table->column('text', Table::TYPE_STRING, 100);
$table->column('asked', Table::TYPE_INT);
$table->create();

// An array is each worker's own: this one is kept alike by messages. A worker that is replaced begins with an empty
// one, so that this is for what can be done without (a cache); what must not be lost belongs into a database.
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

// A message is any value that can be serialised; it comes between two requests.
$server->on('pipeMessage', function (Server $server, int $from, array $message) use (&$known) {
    [$key, $value] = $message;
    $known[$key] = $value;
});

$server->start();
