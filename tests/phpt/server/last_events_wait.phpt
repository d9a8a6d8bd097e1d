--TEST--
Coroutines wait in beforeShutdown, workerStop, managerStop and shutdown, in both modes and in pools, and in shutdown functions of a failed worker; exit in a callback can be caught
--EXTENSIONS--
swoole
--FILE--
<?php
$wait = fn (string $event) => function () use ($event) {
    Co\run(function () use ($event) { Co::sleep(0.001); echo "$event: run\n"; });
    go(function () use ($event) { Co::sleep(0.001); echo "$event: go\n"; });
};
function child(callable $body): void
{
    $child = pcntl_fork();
    if ($child === 0) {
        $body();
        exit(0);
    }
    pcntl_waitpid($child, $status);
}
foreach ([SWOOLE_BASE, SWOOLE_PROCESS] as $mode) {
    child(function () use ($mode, $wait) {
        $server = new Swoole\Server('127.0.0.1', 0, $mode);
        $server->set(['worker_num' => 1, 'log_level' => SWOOLE_LOG_NONE, 'max_wait_time' => 1]);
        $server->on('receive', fn () => null);
        foreach (['beforeShutdown', 'workerStop', 'managerStop', 'shutdown'] as $event) {
            $server->on($event, $wait($event));
        }
        $server->on('workerStart', function ($server) {
            // Neither keeps the loops of the last events.
            Swoole\Timer::tick(1, fn () => null);
            go(fn () => (new Co\Channel)->pop());
            $server->shutdown();
        });
        $server->start();
        $wait('after start')();
    });
}
foreach ([false, true] as $coroutine) {
    child(function () use ($coroutine, $wait) {
        $pool = new Swoole\Process\Pool(1, SWOOLE_IPC_UNIXSOCK, 0, $coroutine);
        $pool->on('message', fn () => null);
        $pool->on('workerStart', function ($pool) { $pool->shutdown(); });
        $pool->on('workerStop', $wait('pool'));
        $pool->start();
    });
}
foreach ([true, false] as $coroutine) {
    child(function () use ($coroutine, $wait) {
        ini_set('display_errors', 0);
        $server = new Swoole\Server('127.0.0.1', 0, SWOOLE_PROCESS);
        $starts = new Swoole\Atomic;
        $server->set(['worker_num' => 1, 'log_level' => SWOOLE_LOG_NONE, 'enable_coroutine' => $coroutine]);
        $server->on('receive', fn () => null);
        $server->on('workerError', function ($server, $id, $pid, $code) { echo "status $code\n"; });
        $server->on('workerStart', function ($server) use ($starts, $wait) {
            if ($starts->add() > 1) {
                return $server->shutdown();
            }
            try {
                exit(3);
            } catch (Swoole\ExitException $e) {
                echo $e->getMessage(), ' ', $e->getStatus(), ' ', $e->getFlags(), "\n";
            }
            register_shutdown_function($wait('failed worker'));
            exit(4);
        });
        $server->start();
    });
}
?>
--EXPECT--
beforeShutdown: run
beforeShutdown: go
workerStop: run
workerStop: go
shutdown: run
shutdown: go
after start: run
after start: go
beforeShutdown: run
beforeShutdown: go
workerStop: run
workerStop: go
managerStop: run
managerStop: go
shutdown: run
shutdown: go
after start: run
after start: go
pool: run
pool: go
pool: run
pool: go
swoole exit 3 6
failed worker: run
failed worker: go
status 255
swoole exit 3 4
failed worker: run
failed worker: go
status 4
