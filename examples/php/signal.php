<?php
// Signals as events: handlers run between two callbacks, never in the middle of a line. And an alarm.
//
//     php -d extension=target/release/libswoosh_php.so examples/php/signal.php
use Swoole\Process;

$count = 0;
Process::signal(SIGUSR1, function (int $signal) {
    echo "SIGUSR1 is signal $signal\n";
    Process::signal(SIGUSR1); // removes the handler
});
Process::signal(SIGALRM, function () use (&$count, &$alive) {
    echo 'alarm ', ++$count, "\n";
    if ($count === 3) {
        Process::alarm(-1);
        Swoole\Timer::clear($alive);
    }
});
Process::alarm(20 * 1000); // microseconds, repeating
$alive = Swoole\Timer::tick(1000, fn () => null);
posix_kill(getmypid(), SIGUSR1);
echo "sent, and not yet handled\n";
Swoole\Event::wait();
echo "over\n";
