--TEST--
A base-mode server with one worker says why it ends with a failed handler, and not that the handler forgot to respond
--EXTENSIONS--
swoole
pcntl
--FILE--
<?php
use Swoole\Coroutine\Http\Client;

$faults = [
    'exception' => fn () => throw new LogicException('as asked'),
    'memory' => fn () => str_repeat('x', 1 << 40),
    'forgotten' => fn () => null,
];
foreach ($faults as $name => $fault) {
    $pid = pcntl_fork();
    if ($pid === 0) {
        $log = __DIR__ . "/base_alone_fails.$name.log";
        ini_set('display_errors', '0');
        $server = new Swoole\Http\Server('127.0.0.1', 0, SWOOLE_BASE);
        $server->set(['worker_num' => 1, 'log_file' => $log, 'log_level' => SWOOLE_LOG_INFO]);
        $server->on('request', fn ($request, $response) => $fault());
        $server->on('workerStart', fn () => go(function () use ($server) {
            $client = new Client('127.0.0.1', $server->port);
            $client->set(['timeout' => 5]);
            $client->get('/');
            $server->shutdown();
        }));
        $server->start();
        exit(0);
    }
    pcntl_waitpid($pid, $status);
    $log = file_get_contents(__DIR__ . "/base_alone_fails.$name.log");
    echo "$name: status ", pcntl_wexitstatus($status),
        str_contains($log, 'ERROR') ? ', ' . preg_replace('/.*ERROR\s*/s', '', trim($log)) : '',
        str_contains($log, 'without end()') ? ', dropped without end()' : '', "\n";
}
?>
--CLEAN--
<?php array_map('unlink', glob(__DIR__ . '/base_alone_fails.*.log')); ?>
--EXPECT--
exception: status 255, worker 0 cannot continue, and the server ends with it, status 255: with worker_num 1, base mode runs in the process that called start(). Set worker_num to 2 or more, or use process mode: a worker that fails is replaced there
memory: status 255, worker 0 cannot continue, and the server ends with it, status 255: with worker_num 1, base mode runs in the process that called start(). Set worker_num to 2 or more, or use process mode: a worker that fails is replaced there
forgotten: status 0, dropped without end()
