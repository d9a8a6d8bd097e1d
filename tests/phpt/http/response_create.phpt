--TEST--
Response::create takes a coroutine socket, a connection's id as text, and [$server, $request]
--EXTENSIONS--
swoole
--FILE--
<?php
use Swoole\Http\Response;
Co\run(function () {
    $server = new Swoole\Coroutine\Server('127.0.0.1', 0);
    go(function () use ($server) {
        $server->handle(function ($connection) use ($server) {
            $connection->recv();
            Response::create($connection->exportSocket())->end('socket');
            $server->shutdown();
        });
        $server->start();
    });
    $client = new Co\Http\Client('127.0.0.1', $server->port);
    $client->get('/');
    echo "$client->statusCode $client->body\n";
});
$server = new Swoole\Http\Server('127.0.0.1', 0, SWOOLE_BASE);
$server->set(['worker_num' => 1, 'task_worker_num' => 1, 'log_level' => SWOOLE_LOG_NONE]);
$server->on('finish', fn () => 1);
$server->on('request', function ($request, $response) use ($server) {
    $response->detach();
    if ($request->server['request_uri'] === '/pair') Response::create([$server, $request])->end('pair');
    else $server->task((string) $response->fd);
});
$server->on('task', function ($server, $id, $worker, $fd) { Response::create($fd)->end('task'); });
$server->on('workerStart', function ($server) {
    if ($server->taskworker) return;
    go(function () use ($server) {
        foreach (['/pair', '/task'] as $path) {
            $client = new Co\Http\Client('127.0.0.1', $server->port);
            $client->get($path);
            echo "$client->statusCode $client->body\n";
        }
        $server->shutdown();
    });
});
$server->start();
?>
--EXPECT--
200 socket
200 pair
200 task
