--TEST--
Shutdown functions may start coroutines that wait, with go() and Co\run, after an exit and after a fatal error
--EXTENSIONS--
swoole
--INI--
display_errors=0
log_errors=0
--FILE--
<?php
function script(string $name, callable $body): void
{
    $child = pcntl_fork();
    if ($child === 0) {
        $body();
        exit(0);
    }
    pcntl_waitpid($child, $status);
    echo "$name: status ", pcntl_wexitstatus($status), "\n";
}
$report = [
    'go' => fn () => go(function () { Co::sleep(0.001); echo "  sent\n"; }),
    'run' => fn () => Co\run(function () { Co::sleep(0.001); echo "  sent\n"; }),
];
$other = fn () => go(function () { Co::sleep(0.02); echo "  a coroutine of the script goes on\n"; });
$ends = [
    'exit' => function () { exit(3); },
    'fatal error' => function () use ($other) { $other(); no_such_function(); },
    'fatal error in a coroutine' => fn () => Co\run(function () use ($other) { $other(); Co::sleep(0.001); no_such_function(); }),
    'exit in a coroutine' => fn () => Co\run(function () use ($other) { $other(); Co::sleep(0.001); exit(3); }),
    'fatal error at the end' => function () use ($other) { $other(); go(function () { Co::sleep(0.001); no_such_function(); }); },
];
foreach ($report as $kind => $send) {
    foreach ($ends as $name => $end) {
        script("$name, $kind", function () use ($send, $end) {
            // The loop is the first shutdown function: the others run although it fails.
            Swoole\Timer::after(1, fn () => null);
            register_shutdown_function(function () use ($send) { echo "  first\n"; $send(); });
            register_shutdown_function(function () { echo "  second\n"; });
            $end();
        });
    }
}
// A child with a coroutine of its own.
$process = new Swoole\Process(function () {
    register_shutdown_function(function () { echo "  first\n"; });
    go(function () { Co::sleep(0.001); no_such_function(); });
}, false, 0, true);
$process->start();
$end = Swoole\Process::wait();
echo "process: status {$end['code']}\n";
?>
--EXPECT--
  first
  second
  sent
exit, go: status 3
  first
  second
  sent
fatal error, go: status 255
  first
  second
  sent
fatal error in a coroutine, go: status 255
  first
  second
  sent
exit in a coroutine, go: status 255
  first
  second
  sent
fatal error at the end, go: status 255
  first
  sent
  second
exit, run: status 3
  first
  sent
  second
fatal error, run: status 255
  first
  sent
  second
fatal error in a coroutine, run: status 255
  first
  sent
  second
exit in a coroutine, run: status 255
  first
  sent
  second
fatal error at the end, run: status 255
  first
process: status 255
