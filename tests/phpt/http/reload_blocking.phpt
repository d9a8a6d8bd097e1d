--TEST--
A worker that is replaced ends after the blocking request in progress; the requests behind it wait for its successor, and none is lost
--EXTENSIONS--
swoole
pcntl
--FILE--
<?php
use Swoole\Coroutine as Co;
$begun = new Swoole\Atomic(0);
$server = new Swoole\Http\Server('127.0.0.1', 0, SWOOLE_PROCESS);
// Eight requests in one worker take longer than max_wait_time.
$server->set(['worker_num' => 1, 'enable_coroutine' => false, 'max_wait_time' => 2, 'log_level' => SWOOLE_LOG_NONE]);
$server->on('request', function ($request, $response) use ($begun) {
    if ($request->server['request_uri'] === '/slow') {
        $begun->add();
        usleep(500_000);
    }
    $response->end(getmypid());
});
if (!$pid = pcntl_fork()) {
    $server->start();
    exit;
}
Co\run(function () use ($server, $pid, $begun) {
    $clients = array_map(fn () => new Co\Http\Client('127.0.0.1', $server->port), range(1, 8));
    while (!$clients[0]->get('/')) {
        Co::sleep(0.05);
    }
    $first = $clients[0]->body;
    $all = ['the old worker' => 0, 'its successor' => 0, 'nobody' => 0];
    $group = new Co\WaitGroup();
    foreach ($clients as $client) {
        $group->add();
        Co::create(function () use ($client, $group, $first, &$all) {
            $client->set(['timeout' => 40]);
            $client->get('/slow');
            $all[$client->statusCode !== 200 ? 'nobody' : ($client->body === $first ? 'the old worker' : 'its successor')]++;
            $group->done();
        });
    }
    while ($begun->get() < 1) {
        Co::sleep(0.01);
    }
    posix_kill($pid, SIGUSR1);
    $group->wait();
    echo 'answered by nobody: ', $all['nobody'], ', by the old worker: ', $all['the old worker'] < 4 ? 'few' : $all['the old worker'], "\n";
});
posix_kill($pid, SIGTERM);
pcntl_waitpid($pid, $status);
?>
--EXPECT--
answered by nobody: 0, by the old worker: few
