--TEST--
Tasks wait while their task worker is busy, up to task_queue_bytes
--EXTENSIONS--
swoole
pcntl
posix
--FILE--
<?php
require __DIR__ . '/../inc/server.inc';
foreach (MODES as $name => $mode) {
    foreach ([64 << 20, 1 << 20] as $bytes) {
        $done = new Swoole\Atomic;
        $lines = serve(function ($server, $journal) use ($bytes, $done) {
            $go = new Swoole\Atomic;
            $server->set(['worker_num' => 1, 'task_worker_num' => 1, 'task_queue_bytes' => $bytes]);
            $server->on('task', function () use ($go, $done) {
                // The first one holds the others up until all have been sent.
                while (!$go->get()) {
                    usleep(1000);
                }
                $done->add();
            });
            $server->on('finish', fn () => 1);
            $server->on('receive', function ($server) use ($go, $journal, $done) {
                $taken = 0;
                for ($i = 0; $i < 4000; $i++) {
                    $taken += (int) (@$server->task(str_repeat('x', 3000)) !== false);
                }
                $error = $taken < 4000 ? swoole_last_error() : 0;
                $go->set(1);
                $timer = Swoole\Timer::tick(10, function ($id) use ($done, $taken, $journal, $error) {
                    if ($done->get() === $taken) {
                        Swoole\Timer::clear($id);
                        $journal->record(($taken === 4000 ? 'all' : ($taken > 1300 ? 'some' : $taken)) . " taken and done, error $error");
                    }
                });
            });
        }, function ($ports, $journal) {
            fwrite($c = connect($ports[0]), 'begin');
            $journal->await('taken');
        }, $mode);
        echo "$name: ", implode(', ', $lines), "\n";
    }
}
?>
--EXPECT--
process: all taken and done, error 0
process: some taken and done, error 506
base: all taken and done, error 0
base: some taken and done, error 506
