--TEST--
swoole.leak_detection logs the classes whose objects accumulate, in scripts and in workers
--EXTENSIONS--
swoole
pcntl
--INI--
swoole.leak_detection=On
--FILE--
<?php
require __DIR__ . '/../inc/server.inc';
use Swoole\Coroutine as Co;
class Kept {}
class Dropped {}
$log = tempnam(sys_get_temp_dir(), 'leaks');
/** Keeps objects of one class and drops those of another, until the check has seen it. */
function accumulate(string $log): void
{
    static $kept = [];
    for ($i = 0; $i < 100; $i++) {
        $kept[] = new Kept;
        $dropped = new Dropped;
    }
}
$found = function () use ($log) {
    preg_match_all('/WARNING\s+(\d+) more objects of (\w+) than at the last check, memory [+-]\d+ bytes/', file_get_contents($log), $m, PREG_SET_ORDER);
    return array_map(fn ($line) => ((int) $line[1]) % 100 . " beyond hundreds of $line[2]", $m);
};
Co::set(['log_file' => $log, 'log_level' => SWOOLE_LOG_WARNING]);
Co\run(function () use ($log, $found) {
    accumulate($log);
    while (!$found()) Co::sleep(0.01);
});
echo 'script: ', implode(', ', array_unique($found())), "\n";
file_put_contents($log, '');
serve(function ($server) use ($log) {
    $server->set(['log_file' => $log, 'log_level' => SWOOLE_LOG_WARNING, 'worker_num' => 1]);
    $server->on('receive', function ($server, $fd) use ($log) {
        accumulate($log);
        $server->send($fd, 'answer');
    });
}, function ($ports) use ($found) {
    $c = connect($ports[0]);
    while (!$found()) {
        fwrite($c, 'x');
        fread($c, 100);
        usleep(50000);
    }
});
echo 'worker: ', implode(', ', array_unique($found())), "\n";
unlink($log);
?>
--EXPECT--
script: 0 beyond hundreds of Kept
worker: 0 beyond hundreds of Kept
