<?php
// A server and ten clients in one process, without callbacks: packets are lines, and each end is a coroutine.
//
//     php -d extension=target/release/libswoosh_php.so examples/php/coroutine_client.php
use Swoole\Coroutine as Co;
use Swoole\Coroutine\Client;
use Swoole\Coroutine\Server;

const LINES = ['open_eof_split' => true, 'package_eof' => "\n"];

Co\run(function () {
    $server = new Server('127.0.0.1', 0);
    $server->set(LINES);
    $server->handle(function (Server\Connection $connection) {
        while ($line = $connection->recv()) {
            Co::sleep(0.05); // stands for a query to another server
            $connection->send(strtoupper($line));
        }
        $connection->close();
    });
    go(fn () => $server->start());

    $begin = microtime(true);
    $answers = Swoole\Coroutine\map(range(1, 10), function (int $n) use ($server) {
        $client = new Client(SWOOLE_SOCK_TCP);
        $client->set(LINES + ['timeout' => 1]);
        if (!$client->connect('127.0.0.1', $server->port)) {
            return "no connection: $client->errMsg";
        }
        $client->send("client $n\n");
        $answer = trim($client->recv());
        $client->close();
        return $answer;
    });
    echo implode("\n", $answers), "\n";
    echo microtime(true) - $begin < 0.4 ? "concurrently\n" : "one after the other\n";
    $server->shutdown();
});
