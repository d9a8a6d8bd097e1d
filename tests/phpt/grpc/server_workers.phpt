--TEST--
A gRPC server of several processes shares its port among them, replaces one that dies, and completes calls when it is stopped
--EXTENSIONS--
swoole
pcntl
posix
--FILE--
<?php
use Swoole\Coroutine as Co;
use Swoosh\Grpc\{Client, Exception, Server, Status};
$server = new Server('127.0.0.1', 0, ['worker_num' => 3, 'max_wait_time' => 20]);
$server->unary('/test.Service/Pid', fn () => (string) getmypid());
$server->unary('/test.Service/Die', function () { posix_kill(getmypid(), SIGKILL); return ''; });
$server->unary('/test.Service/Wait', function () { Co::sleep(0.3); return 'waited'; });
if (!$pid = pcntl_fork()) {
    Co::set(['log_level' => SWOOLE_LOG_NONE]);
    $server->start();
    exit;
}
Co\run(function () use ($server, $pid) {
    $ask = fn (string $method) => (new Client('127.0.0.1', $server->port, ['timeout' => 20]))->unary("/test.Service/$method", '');
    for ($i = 0, $pids = []; $i < 2000 && count($pids) < 3; $i++) {
        // Processes that are busy leave connections to the others.
        Co::create(function () use ($ask, &$pids) { $pids[$ask('Pid')] = true; });
        Co::sleep(0.001);
    }
    echo count($pids), " processes\n";
    try {
        $ask('Die');
    } catch (Exception $e) {
        echo Status::nameOf($e->getCode()), "\n";
    }
    echo is_numeric($ask('Pid')) ? "goes on\n" : '';
    $wait = Co::create(function () use ($ask) { echo $ask('Wait'), "\n"; });
    Co::sleep(0.1);
    posix_kill($pid, SIGTERM);
    Co::join([$wait]);
});
pcntl_waitpid($pid, $status);
var_dump(pcntl_wifexited($status) && pcntl_wexitstatus($status) === 0);
--EXPECT--
3 processes
UNAVAILABLE
goes on
waited
bool(true)
