--TEST--
Exceptions, exit, fatal errors and the memory limit in a coroutine end the process as in a script
--EXTENSIONS--
swoole
--SKIPIF--
<?php extension_loaded('pcntl') || die('skip pcntl is needed'); ?>
--FILE--
<?php
use Swoole\Coroutine as Co;
$ends = [
    'exception' => fn () => throw new Exception('x'),
    'exit' => fn () => exit(3),
    'fatal error' => fn () => trigger_error('x', E_USER_ERROR),
    'undefined function' => fn () => undefined_function(),
    'memory limit' => function () { ini_set('memory_limit', '8M'); $s = str_repeat('x', 100_000_000); },
    'in a destructor' => function () { $o = new class { function __destruct() { throw new Exception('d'); } }; },
    'in a Fiber' => fn () => (new Fiber(fn () => trigger_error('x', E_USER_ERROR)))->start(),
    'in a generator' => function () { foreach ((function () { yield 1; throw new Exception('g'); })() as $_); },
];
$places = [
    'at once' => fn ($end) => $end(),
    'after a wait' => function ($end) { Co::sleep(0.001); $end(); },
    'resumed by another' => function ($end) { $me = Co::getCid(); go(function () use ($me) { Co::sleep(0.001); Co::resume($me); echo "resumer goes on\n"; }); Co::yield(); $end(); },
];
foreach ($ends as $what => $end) {
    foreach ($places as $where => $place) {
        if (($pid = pcntl_fork()) === 0) {
            ini_set('display_errors', '0'); ini_set('log_errors', '0');
            register_shutdown_function(function () { if (Co::getCid() !== -1) echo "in a coroutine still\n"; });
            Co\run(function () use ($place, $end) {
                go(function () { Co::sleep(1); echo "never\n"; });
                go(fn () => $place($end));
                Co::sleep(0.5);
                echo "never\n";
            });
            exit(0);
        }
        pcntl_waitpid($pid, $status);
        if (!pcntl_wifexited($status) || pcntl_wexitstatus($status) !== 255) echo "$what $where: ", $status, "\n";
    }
}
echo "done\n";
?>
--EXPECT--
done
