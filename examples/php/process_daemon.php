<?php
// A program that leaves the terminal and continues in the background, with its output in a log, until it gets SIGTERM.
//
//     php -d extension=target/release/libswoosh_php.so examples/php/process_daemon.php [log]
//     kill PID          ends it
use Swoole\{Process, Timer};

$log = $argv[1] ?? sys_get_temp_dir() . '/swoosh-process-daemon.log';
echo "continuing in the background, log in $log\n";

$file = fopen($log, 'a');
Process::daemon(true, false, [STDIN, $file, $file]) || exit(1); // keeps the working directory

echo 'the daemon is process ', getmypid(), "\n";
$beats = 0;
$timer = Timer::tick(20, function () use (&$beats) {
    echo 'beat ', ++$beats, "\n";
});
Process::signal(SIGTERM, function () use ($timer) {
    Timer::clear($timer); // nothing is left to wait for: the loop ends, and the program with it
    echo "goodbye\n";
});
