--TEST--
A process that is started in a coroutine runs its function only: what had created that coroutine does not go on in the child
--EXTENSIONS--
swoole
--FILE--
<?php
use Swoole\Coroutine as Co;
use Swoole\Process;
$main = getmypid();
$where = fn () => getmypid() === $main ? 'parent' : 'child';
$body = function () use ($where) {
    usleep(1000);
    echo 'function in the ', $where(), ', ', Co::getCid() > 0 ? 'in a coroutine' : 'outside of coroutines', ', ', Co::stats()['coroutine_num'], " coroutine\n";
    register_shutdown_function(function () { echo "shutdown function\n"; });
    go(function () { Co::sleep(0.001); echo "coroutine\n"; });
};
foreach (['not its own' => false, 'its own' => true] as $name => $apart) {
    go(function () use ($name, $apart, $body) {
        $process = new Process($body, false, 0, $apart);
        $process->start();
        echo "coroutine $name: status " . Process::wait()['code'] . "\n";
    });
    echo 'behind go() in the ', $where(), "\n";
}
Co\run(function () use ($body, $where) {
    go(function () {
        $process = new Process(function () { usleep(1000); exit(7); });
        $process->start();
        echo 'exit: status ' . Process::wait()['code'] . "\n";
    });
    echo 'coroutine behind go() in the ', $where(), "\n";
    go(function () {
        $process = new Process(function () { ini_set('display_errors', 0); ini_set('log_errors', 0); usleep(1000); throw new Exception; });
        $process->start();
        echo 'exception: status ' . Process::wait()['code'] . "\n";
    });
});
?>
--EXPECT--
function in the child, in a coroutine, 1 coroutine
coroutine
shutdown function
coroutine not its own: status 0
behind go() in the parent
function in the child, in a coroutine, 1 coroutine
coroutine
shutdown function
coroutine its own: status 0
behind go() in the parent
exit: status 7
coroutine behind go() in the parent
exception: status 255
