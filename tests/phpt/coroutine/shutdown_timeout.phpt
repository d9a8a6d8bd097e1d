--TEST--
A worker that shuts down waits for its callbacks and logs the frames of those that exceed max_wait_time
--EXTENSIONS--
swoole
--SKIPIF--
<?php extension_loaded('pcntl') || die('skip pcntl is needed'); ?>
--FILE--
<?php
use Swoole\Coroutine as Co;
function hold_out() { Co::sleep(60); }
$log = tempnam(sys_get_temp_dir(), 'co');
$s = new Swoole\Server('127.0.0.1', 0, SWOOLE_BASE);
$s->set(['worker_num' => 1, 'max_wait_time' => 1, 'log_file' => $log]);
$s->on('receive', fn () => null);
$s->on('workerStart', function ($s) {
    go(fn () => print('a coroutine of its own ' . Co::getPcid() . "\n"));
    Swoole\Timer::after(10, fn () => $s->shutdown());
    hold_out();
});
$begin = microtime(true);
$s->start();
$took = microtime(true) - $begin;
echo $took > 0.5 && $took < 3 ? 'waited for it' : "took $took", "\n";
$text = file_get_contents($log);
unlink($log);
echo str_contains($text, '1 coroutines did not end') ? 'told' : $text, ' ', str_contains($text, 'hold_out()') ? 'with its frames' : $text, "\n";
Co\run(function () {
    $me = Co::getCid();
    go(function () use ($me) { echo implode(' ', array_column(Co::getBackTrace($me), 'function')), "\n"; });
});
?>
--EXPECTF--
a coroutine of its own 1
waited for it
told with its frames
go {closure%S}
