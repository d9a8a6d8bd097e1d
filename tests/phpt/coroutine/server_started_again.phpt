--TEST--
Coroutine servers can be started again after shutdown()
--EXTENSIONS--
swoole
--FILE--
<?php
use Swoole\Coroutine as Co;
Co\run(function () {
    $http = new Co\Http\Server('127.0.0.1', 0);
    $http->handle('/', fn ($request, $response) => $response->end('page'));
    $tcp = new Co\Server('127.0.0.1', 0);
    $tcp->handle(function ($connection) { $connection->send('line'); $connection->close(); });
    for ($round = 1; $round <= 3; $round++) {
        go(function () use ($http) { var_dump($http->start()); });
        go(function () use ($tcp) { var_dump($tcp->start()); });
        $client = new Co\Http\Client('127.0.0.1', $http->port);
        $client->get('/');
        $other = new Co\Client(SWOOLE_SOCK_TCP);
        $other->connect('127.0.0.1', $tcp->port, 1);
        echo "round $round: $client->body ", $other->recv(1), "\n";
        $client->close();
        $http->shutdown();
        $tcp->shutdown();
        Co::sleep(0.001);
    }
});
?>
--EXPECT--
round 1: page line
bool(true)
bool(true)
round 2: page line
bool(true)
bool(true)
round 3: page line
bool(true)
bool(true)
