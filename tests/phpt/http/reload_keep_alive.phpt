--TEST--
Responses of a worker that is replaced say whether their connection goes on: in base mode it ends, and clients lose no request
--EXTENSIONS--
swoole
pcntl
--FILE--
<?php
use Swoole\Coroutine as Co;
foreach ([SWOOLE_BASE => 'base', SWOOLE_PROCESS => 'process'] as $mode => $name) {
    echo "-- $name\n";
    $isEnding = false;
    $begun = new Swoole\Atomic(0);
    $server = new Swoole\Http\Server('127.0.0.1', 0, $mode);
    $server->set(['worker_num' => 2, 'reload_async' => true, 'max_wait_time' => 30, 'log_level' => SWOOLE_LOG_NONE]);
    $server->on('workerExit', function () use (&$isEnding) { $isEnding = true; });
    $server->on('request', function ($request, $response) use (&$isEnding, $begun) {
        if ($request->server['request_uri'] === '/slow') {
            $begun->add();
            while (!$isEnding) {
                Co::sleep(0.01);
            }
        }
        $request->server['request_uri'] === '/parts' && $response->write('a ');
        $response->end(getmypid());
    });
    if (!$pid = pcntl_fork()) {
        $server->start();
        exit;
    }
    Co\run(function () use ($server, $pid, $begun) {
        $clients = array_map(fn () => new Co\Http\Client('127.0.0.1', $server->port), range(1, 10));
        while (!$clients[0]->get('/')) {
            Co::sleep(0.05);
        }
        $results = [];
        $group = new Co\WaitGroup();
        foreach ($clients as $client) {
            $group->add();
            Co::create(function () use ($client, $group, &$results) {
                $client->get('/slow');
                $result = "$client->statusCode {$client->headers['connection']}";
                // By this worker's successor, or by another worker.
                $client->get('/parts');
                $result .= "; then $client->statusCode";
                $results[$result] = ($results[$result] ?? 0) + 1;
                $group->done();
            });
        }
        while ($begun->get() < 10) {
            Co::sleep(0.01);
        }
        posix_kill($pid, SIGUSR1);
        $group->wait();
        foreach ($results as $result => $count) {
            echo "$count: $result\n";
        }
    });
    posix_kill($pid, SIGTERM);
    pcntl_waitpid($pid, $status);
}
?>
--EXPECT--
-- base
10: 200 close; then 200
-- process
10: 200 keep-alive; then 200
