<?php
// An echo server with one coroutine for each connection, on Coroutine\Socket.
use Swoole\Coroutine as Co;
use Swoole\Coroutine\Socket;

Co\run(function () {
    $listener = new Socket(AF_INET, SOCK_STREAM, 0);
    $listener->bind('127.0.0.1', 0);
    $listener->listen();
    echo 'port ', $listener->getsockname()['port'], "\n";
    while ($connection = $listener->accept()) {
        go(function () use ($connection) {
            while (($data = $connection->recv()) !== '' && $data !== false) {
                $connection->send($data);
            }
        });
    }
});
