--TEST--
Closing a client ends another coroutine's wait with ECANCELED before close() returns
--EXTENSIONS--
swoole
sockets
--FILE--
<?php
use Swoole\Coroutine as Co;
Co\run(function () {
    $listener = new Co\Socket(AF_INET, SOCK_STREAM, 0);
    $listener->bind('127.0.0.1');
    $listener->listen();
    $port = $listener->getsockname()['port'];

    $client = new Co\Client(SWOOLE_SOCK_TCP);
    $client->connect('127.0.0.1', $port);
    $peer = $listener->accept();
    go(function () use ($client) {
        echo 'recv: ', var_export($client->recv(-1), true), ' ', $client->errCode === SOCKET_ECANCELED ? 'ECANCELED' : $client->errCode, "\n";
    });
    $client->close();
    echo "client closed\n";

    $socket = new Co\Socket(AF_INET, SOCK_STREAM, 0);
    $socket->connect('127.0.0.1', $port);
    $other = $listener->accept();
    go(function () use ($socket) {
        echo 'recv: ', var_export($socket->recv(10, -1), true), ' ', $socket->errCode === SOCKET_ECANCELED ? 'ECANCELED' : $socket->errCode, "\n";
        echo 'again: ', var_export(@$socket->recv(10, -1), true), ' ', $socket->errCode === SOCKET_EBADF ? 'EBADF' : $socket->errCode, "\n";
    });
    $socket->close();
    echo "socket closed\n";
});
?>
--EXPECT--
recv: false ECANCELED
client closed
recv: false ECANCELED
again: false EBADF
socket closed
