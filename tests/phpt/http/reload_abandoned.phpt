--TEST--
A client whose handler takes longer than max_wait_time is disconnected when its worker ends, in both modes, and is served by the next one
--EXTENSIONS--
swoole
pcntl
--FILE--
<?php
use Swoole\Coroutine as Co;
foreach ([SWOOLE_BASE => 'base', SWOOLE_PROCESS => 'process'] as $mode => $name) {
    $begun = new Swoole\Atomic(0);
    $server = new Swoole\Http\Server('127.0.0.1', 0, $mode);
    $server->set(['worker_num' => 2, 'max_wait_time' => 1, 'log_level' => SWOOLE_LOG_NONE]);
    $server->on('request', function ($request, $response) use ($begun) {
        if ($request->server['request_uri'] === '/never') {
            $begun->add();
            Co::sleep(1000);
        }
        $response->end('answered');
    });
    if (!$pid = pcntl_fork()) {
        $server->start();
        exit;
    }
    Co\run(function () use ($server, $pid, $begun, $name) {
        $clients = array_map(fn () => new Co\Http\Client('127.0.0.1', $server->port), range(1, 6));
        while (!$clients[0]->get('/')) {
            Co::sleep(0.05);
        }
        $results = [];
        $group = new Co\WaitGroup();
        foreach ($clients as $client) {
            $group->add();
            Co::create(function () use ($client, $group, &$results) {
                $client->set(['timeout' => 40]);
                $client->get('/never');
                $result = "$client->statusCode " . ($client->errCode === SOCKET_ECONNRESET ? 'disconnected' : $client->errCode);
                $client->get('/');
                $results[] = "$result, $client->body";
                $group->done();
            });
        }
        while ($begun->get() < 6) {
            Co::sleep(0.01);
        }
        posix_kill($pid, SIGUSR1);
        $group->wait();
        foreach (array_count_values($results) as $result => $count) {
            echo "$name, $count: $result\n";
        }
    });
    posix_kill($pid, SIGTERM);
    pcntl_waitpid($pid, $status);
}
?>
--EXPECT--
base, 6: -3 disconnected, answered
process, 6: -3 disconnected, answered
