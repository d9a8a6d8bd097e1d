--TEST--
recv() and push() of a WebSocket client whose socket was closed fail at once
--EXTENSIONS--
swoole
--FILE--
<?php
$server = new Swoole\WebSocket\Server('127.0.0.1', 0, SWOOLE_BASE);
$server->set(['worker_num' => 1, 'log_level' => SWOOLE_LOG_NONE]);
$server->on('message', fn () => 1);
$server->on('workerStart', function ($server) {
    go(function () use ($server) {
        $client = new Co\Http\Client('127.0.0.1', $server->port);
        $client->set(['timeout' => -1]);
        $client->upgrade('/');
        $client->socket->close();
        var_dump(@$client->recv(), $client->errCode === SWOOLE_ERROR_CLIENT_NO_CONNECTION);
        var_dump(@$client->push('x'), $client->errCode === SWOOLE_ERROR_CLIENT_NO_CONNECTION);
        $server->shutdown();
    });
});
$server->start();
?>
--EXPECT--
bool(false)
bool(true)
bool(false)
bool(true)
