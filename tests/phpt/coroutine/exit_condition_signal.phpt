--TEST--
exit_condition keeps the loop running for a signal handler alone, which stats() counts
--EXTENSIONS--
swoole
posix
--FILE--
<?php
use Swoole\{Coroutine, Event, Process, Timer};
Coroutine::set(['exit_condition' => fn () => Coroutine::stats()['signal_listener_num'] === 0]);
Process::signal(SIGTERM, function (int $signal) {
    echo "signal $signal\n";
    Process::signal(SIGTERM, null);
});
Timer::after(20, fn () => Process::kill(posix_getpid(), SIGTERM));
Event::wait();
echo "end\n";
?>
--EXPECT--
signal 15
end
