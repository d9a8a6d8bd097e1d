<?php
// The ends of children reported by SIGCHLD, without a blocking wait. Uses the old name of the class, an alias.
//
//     php -d extension=target/release/libswoosh_php.so examples/php/process_signal.php
swoole_process::signal(SIGCHLD, function (int $signal) use (&$left) {
    // Several ends may arrive as one signal.
    while ($end = swoole_process::wait(false)) {
        $left--;
        echo "a child ended with {$end['code']}\n";
    }
    $left === 0 && swoole_event_exit();
});
$left = 3;
foreach ([1, 2, 3] as $n) {
    (new swoole_process(function (swoole_process $self) use ($n) {
        usleep($n * 50000);
        $self->exit($n);
    }))->start();
}
// Signal handlers alone keep no script alive: this timer does.
Swoole\Timer::after(10000, fn () => print("it took too long\n"));
swoole_event_wait();
echo "all have ended\n";
