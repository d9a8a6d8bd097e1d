--TEST--
close() ends a connect of another coroutine with ECANCELED; a second connect meanwhile is refused with EISCONN
--EXTENSIONS--
swoole
--FILE--
<?php
use Swoole\Coroutine as Co;
Co\run(function () {
    // A name server that never answers.
    $silent = new Co\Socket(AF_INET, SOCK_DGRAM, 0);
    $silent->bind('127.0.0.1');
    Co::set(['dns_server' => '127.0.0.1:' . $silent->getsockname()['port']]);
    $client = new Co\Client(SWOOLE_SOCK_TCP);
    $waiter = go(function () use ($client) {
        var_dump($client->connect('a.test', 80, 60), $client->errCode === SOCKET_ECANCELED);
    });
    var_dump($client->connect('127.0.0.1', 80, 1), $client->errCode === SOCKET_EISCONN);
    var_dump($client->close(), Co::exists($waiter), $client->close());
    $http = new Co\Http\Client('b.test', 80);
    $http->set(['timeout' => 60]);
    $waiter = go(function () use ($http) {
        var_dump($http->get('/'), $http->errCode === SOCKET_ECANCELED);
    });
    var_dump($http->close(), Co::exists($waiter), @$http->close());
});
?>
--EXPECT--
bool(false)
bool(true)
bool(false)
bool(true)
bool(true)
bool(false)
bool(false)
bool(false)
bool(true)
bool(true)
bool(false)
bool(false)
