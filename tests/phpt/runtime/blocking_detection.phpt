--TEST--
swoole.blocking_detection logs code that holds the event loop, with its stack, once for each piece of code
--EXTENSIONS--
swoole
pcntl
--INI--
swoole.blocking_detection=On
swoole.blocking_threshold=100000
--FILE--
<?php
require __DIR__ . '/../inc/server.inc';
use Swoole\Coroutine as Co;
$log = tempnam(sys_get_temp_dir(), 'blocking');

function blocks_in_the_kernel(): void
{
    Swoole\Runtime::setHookFlags(0);
    usleep(250000);
}
function computes(): void
{
    for ($end = hrtime(true) + 250_000_000; hrtime(true) < $end;);
}
echo "In a server's worker\n";
serve(function ($server, $journal) use ($log) {
    $server->set(['log_file' => $log, 'log_level' => SWOOLE_LOG_WARNING]);
    $server->on('receive', function ($server, $fd) use ($journal) {
        computes();
        $journal->record('computed');
        $server->send($fd, 'answer');
    });
}, function ($ports, $journal) {
    fwrite(connect($ports[0]), 'x');
    $journal->await('computed');
});
$lines = preg_grep('/held the event loop|computes/', file($log));
echo preg_replace(['/^.*\t/', '/\d+ ms.*/s'], ['', ''], array_shift($lines)), "\n", count($lines), " frame\n";
file_put_contents($log, '');

echo "In a script\n";
Co::set(['log_file' => $log, 'hook_flags' => 0]);
Co\run(function () use ($log) {
    Co::sleep(0.001);
    blocks_in_the_kernel();
    Co::sleep(0.001);
    computes();
    go(function () {
        Co::sleep(0.001);
        computes();
    });
    // Waiting and many short pieces of code hold nothing. On a busy machine one of them may be late.
    Co::sleep(0.15);
    for ($try = 0; $try < 10; $try++) {
        $before = file_get_contents($log);
        for ($i = 0; $i < 150; $i++) {
            Swoole\Timer::after(1 + $i % 3, function () { for ($end = hrtime(true) + 1_000_000; hrtime(true) < $end;); });
        }
        Co::sleep(0.2);
        $found = substr(file_get_contents($log), strlen($before));
        if ($found === '') break;
        file_put_contents($log, $before);
    }
    echo $found === '' ? '' : "each time: $found";
});
Swoole\Timer::after(1, function () { computes(); });
Swoole\Event::wait();
$show = function () use ($log) {
    $text = preg_replace(['/^\[.*?\]\t/m', '/ for \d+ ms/', '/, \d+ ms of them/', '~ /\S+/~', '/\(\d+\)/'], ['', '', ', most of it', ' ', ''], file_get_contents($log));
    // On a busy machine the process may be suspended within a call of hrtime().
    $text = preg_replace('/, most of it in hrtime\(\)$/m', ', and is at blocking_detection.php', $text);
    // PHP 8.4 is interrupted while the frame of an internal function is still there.
    $text = preg_replace('/^#0 \S+ hrtime\(\)\n#1 (.*)\n#2 /m', "#0 $1\n#1 ", $text);
    echo preg_replace('/coroutine \d+/', 'coroutine N', $text);
    file_put_contents($log, '');
};
$show();
unlink($log);
?>
--EXPECTF--
In a server's worker
coroutine 1 has held the event loop for 
1 frame
In a script
WARNING	coroutine N has held the event loop, most of it in usleep()
#0 blocking_detection.php: usleep()
#1 blocking_detection.php: blocks_in_the_kernel()
#2 [internal function]: {closure%S}()
WARNING	coroutine N has held the event loop, and is at blocking_detection.php
#0 blocking_detection.php: computes()
#1 [internal function]: {closure%S}()
WARNING	coroutine N has held the event loop, and is at blocking_detection.php
#0 blocking_detection.php: computes()
#1 [internal function]: {closure%S}()
WARNING	coroutine N has held the event loop, and is at blocking_detection.php
#0 blocking_detection.php: computes()
#1 [internal function]: {closure%S}()
