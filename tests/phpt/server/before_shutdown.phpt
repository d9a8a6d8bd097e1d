--TEST--
A beforeShutdown event that waits in coroutines can end what a worker of base mode still does, which goes on behind it
--EXTENSIONS--
swoole
--FILE--
<?php
foreach ([true, false] as $coroutine) {
    $child = pcntl_fork();
    if ($child === 0) {
        $server = new Swoole\Server('127.0.0.1', 0, SWOOLE_BASE);
        $server->set(['worker_num' => 1, 'log_level' => SWOOLE_LOG_NONE, 'max_wait_time' => 30, 'enable_coroutine' => $coroutine]);
        $server->on('receive', fn () => null);
        $server->on('workerStart', function ($server) use (&$end) {
            go(function () use (&$end) {
                $end = new Co\Channel;
                echo $end->pop(), "\n";
                Co::sleep(0.001);
                echo "the worker's coroutine is over\n";
            });
            // A timer that repeats does not keep the event.
            Swoole\Timer::tick(1, fn () => null);
            $server->shutdown();
        });
        $server->on('beforeShutdown', function () use (&$end) {
            Co\run(function () use (&$end) { Co::sleep(0.001); $end->push('told to end'); });
            Swoole\Timer::after(1, fn () => print("timer of the event\n"));
            echo "event\n";
        });
        $server->on('workerStop', function () { echo "stop\n"; });
        $server->start();
        exit(0);
    }
    pcntl_waitpid($child, $status);
}
?>
--EXPECT--
told to end
event
the worker's coroutine is over
timer of the event
stop
told to end
event
the worker's coroutine is over
timer of the event
stop
