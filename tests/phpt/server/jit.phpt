--TEST--
A server under opcache and its JIT runs thousands of requests through compiled callbacks, timers and tasks
--EXTENSIONS--
swoole
pcntl
posix
--INI--
opcache.enable_cli=1
opcache.file_update_protection=0
opcache.jit=tracing
opcache.jit_buffer_size=32M
opcache.jit_hot_func=2
opcache.jit_hot_loop=2
--SKIPIF--
<?php
if (!function_exists('opcache_get_status')) die('skip opcache is not there');
?>
--FILE--
<?php
require __DIR__ . '/../inc/server.inc';
foreach (MODES as $name => $mode) {
    echo "$name: ", implode(' ', serve(function ($server) {
        $server->set(['task_worker_num' => 1]);
        $server->on('task', fn ($server, $id, $from, $n) => $n * 2);
        $sum = 0;
        $server->on('receive', function ($server, $fd, $reactor, $data) use (&$sum) {
            foreach (explode("\n", $data) as $n) {
                $sum += (int) $n;
            }
            if (str_ends_with($data, "end\n")) {
                Swoole\Timer::after(1, fn () => $server->send($fd, $sum . ' ' . $server->taskwait($sum, 5)));
            }
        });
    }, function ($ports, $journal) {
        $journal->record(json_encode(opcache_get_status()['jit']['on'] ?? false));
        $c = connect($ports[0]);
        for ($n = 0; $n < 5000; $n++) {
            fwrite($c, "1\n");
            $n % 100 === 0 && usleep(100);
        }
        $journal->record(ask($c, "end\n"));
    }, $mode)), "\n";
}
?>
--EXPECT--
process: true 5000 10000
base: true 5000 10000
