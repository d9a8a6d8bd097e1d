--TEST--
A child of Process ends as a script does: shutdown functions, coroutines, timers and destructors, whether it returns, exits or fails
--EXTENSIONS--
swoole
--INI--
display_errors=0
--FILE--
<?php
foreach (['return', 'exit', 'fatal'] as $how) {
    $process = new Swoole\Process(function () use ($how) {
        register_shutdown_function(function () use ($how) { echo "shutdown $how\n"; });
        go(function () use ($how) { Co::sleep(0.005); echo "coroutine $how\n"; });
        Swoole\Timer::after(20, function () use ($how) { echo "timer $how\n"; });
        $GLOBALS['kept'] = new class { function __destruct() { echo "destructed\n"; } };
        if ($how === 'exit') exit(3);
        if ($how === 'fatal') no_such_function();
    });
    $process->start();
    $end = Swoole\Process::wait();
    echo "status {$end['code']}\n";
}
?>
--EXPECT--
shutdown return
coroutine return
timer return
destructed
status 0
shutdown exit
coroutine exit
timer exit
destructed
status 3
shutdown fatal
destructed
status 255
