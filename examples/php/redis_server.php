<?php
// A Redis server: keys and values in a table that all workers share. Connect with  redis-cli -p 9501
//
//     php -d extension=target/release/libswoosh_php.so examples/php/redis_server.php [port]
//
// The port is the first argument, else the environment's SWOOSH_PORT, else 9501; 0 takes a free one.
use Swoole\Redis\Server;

$port = (int) ($argv[1] ?? $_SERVER['SWOOSH_PORT'] ?? 9501);

$table = new Swoole\Table(65536);
$table->column('value', Swoole\Table::TYPE_STRING, 1024);
$table->create();

$server = new Server('127.0.0.1', $port, SWOOLE_PROCESS);
$server->set(['worker_num' => 2]);

$server->on('start', function (Server $server) {
    echo "redis server on 127.0.0.1:{$server->port}; stop it with Ctrl+C\n";
    echo "type next, in another terminal:  redis-cli -p {$server->port} set greeting hello\n";
});

// A handler gets the connection's id and the arguments of the command; command names are case-insensitive.
$server->setHandler('PING', function (int $fd, array $words) use ($server) {
    $server->send($fd, Server::format(Server::STATUS, $words[0] ?? 'PONG'));
});

$server->setHandler('SET', function (int $fd, array $words) use ($server, $table) {
    if (count($words) !== 2) {
        $server->send($fd, Server::format(Server::ERROR, "ERR wrong number of arguments for 'set' command"));
        return;
    }
    [$key, $value] = $words;
    if (strlen($value) > 1024) {
        $server->send($fd, Server::format(Server::ERROR, 'ERR a value has at most 1024 bytes here'));
        return;
    }
    $table->set($key, ['value' => $value]);
    $server->send($fd, Server::format(Server::STATUS, 'OK'));
});

$server->setHandler('GET', function (int $fd, array $words) use ($server, $table) {
    $value = $table->get($words[0] ?? '', 'value');
    $server->send($fd, $value === false ? Server::format(Server::NIL) : Server::format(Server::STRING, $value));
});

$server->setHandler('DEL', function (int $fd, array $words) use ($server, $table) {
    $gone = array_filter($words, fn (string $key) => $table->exist($key) && $table->del($key));
    $server->send($fd, Server::format(Server::INT, count($gone)));
});

$server->setHandler('MGET', function (int $fd, array $words) use ($server, $table) {
    $values = array_map(fn (string $key) => $table->exist($key) ? $table->get($key, 'value') : null, $words);
    $server->send($fd, Server::format(Server::SET, $values));
});

$server->setHandler('KEYS', function (int $fd, array $words) use ($server, $table) {
    $keys = [];
    foreach ($table as $key => $row) {
        if (fnmatch($words[0] ?? '*', $key)) {
            $keys[] = (string) $key;
        }
    }
    sort($keys);
    $server->send($fd, Server::format(Server::SET, $keys));
});

$server->setHandler('DBSIZE', function (int $fd) use ($server, $table) {
    $server->send($fd, Server::format(Server::INT, count($table)));
});

// Commands of one connection are handled in order; other connections do not wait for a handler that sleeps.
$server->setHandler('SLEEP', function (int $fd, array $words) use ($server) {
    Swoole\Coroutine::sleep((float) ($words[0] ?? 1));
    $server->send($fd, Server::format(Server::STATUS, 'OK'));
});

$server->start();
