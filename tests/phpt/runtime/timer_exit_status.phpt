--TEST--
A process ends with 255 after an uncaught exception, a fatal error, or an exit that its coroutine did not catch
--EXTENSIONS--
swoole
--SKIPIF--
<?php extension_loaded('pcntl') || die('skip pcntl is needed'); ?>
--FILE--
<?php
$ways = [
    'exception' => fn () => throw new Exception('x'),
    'fatal error' => fn () => trigger_error('x', E_USER_ERROR),
    'exit' => fn () => exit(7),
    'nothing' => fn () => null,
];
foreach ($ways as $name => $way) {
    if (($pid = pcntl_fork()) === 0) {
        ini_set('display_errors', '0');
        ini_set('log_errors', '0');
        Swoole\Timer::after(1, $way);
        Swoole\Timer::after(5, fn () => print("$name: the next timer ran\n"));
        Swoole\Event::wait();
        exit(0);
    }
    pcntl_waitpid($pid, $status);
    echo "$name: ", pcntl_wexitstatus($status), "\n";
}
?>
--EXPECT--
exception: 255
fatal error: 255
exit: 255
nothing: the next timer ran
nothing: 0
