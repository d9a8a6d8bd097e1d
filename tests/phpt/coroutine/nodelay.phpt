--TEST--
Sockets of coroutine servers and clients send small pieces at once (TCP_NODELAY)
--EXTENSIONS--
swoole
sockets
--FILE--
<?php
use Swoole\Coroutine;
Coroutine\run(function () {
    $server = new Coroutine\Server('127.0.0.1', 0, false);
    $server->handle(function ($connection) {
        $socket = $connection->exportSocket();
        echo 'accepted: ', (bool) $socket->getOption(SOL_TCP, TCP_NODELAY) ? 'on' : 'off', "\n";
        $socket->recv();
        $connection->close();
    });
    go(fn () => $server->start());
    $client = new Coroutine\Client(SWOOLE_SOCK_TCP);
    $client->connect('127.0.0.1', $server->port);
    echo 'client: ', (bool) $client->exportSocket()->getOption(SOL_TCP, TCP_NODELAY) ? 'on' : 'off', "\n";
    $client->send('x');
    $client->recv(1);
    $http = new Coroutine\Http\Server('127.0.0.1', 0);
    $http->handle('/', function ($request, $response) { $response->write('a'); $response->end('b'); });
    go(fn () => $http->start());
    $browser = new Coroutine\Http\Client('127.0.0.1', $http->port);
    $browser->get('/');
    echo 'http client: ', (bool) $browser->socket->getOption(SOL_TCP, TCP_NODELAY) ? 'on' : 'off', " $browser->body\n";
    $unix = new Coroutine\Socket(AF_UNIX, SOCK_STREAM, 0);
    echo 'unix: ', $unix->fd >= 0 ? 'made' : 'failed', "\n";
    $server->shutdown();
    $http->shutdown();
});
?>
--EXPECT--
accepted: on
client: on
http client: on ab
unix: made
