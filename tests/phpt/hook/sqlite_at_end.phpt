--TEST--
A query of PDO SQLite that never ends does not keep a script after exit or a fatal error, nor a worker that ends
--EXTENSIONS--
swoole
pdo_sqlite
--INI--
display_errors=0
log_errors=0
--FILE--
<?php
const ENDLESS = 'WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c';
$queries = [
    'PDO' => fn () => (new PDO('sqlite::memory:'))->query(ENDLESS)->fetchAll(),
];
function child(string $name, callable $body): void
{
    $child = pcntl_fork();
    if ($child === 0) {
        $body();
        exit(0);
    }
    pcntl_waitpid($child, $status);
    echo "$name: ", pcntl_wifexited($status) ? 'status ' . pcntl_wexitstatus($status) : 'signal ' . pcntl_wtermsig($status), "\n";
}
foreach ($queries as $library => $query) {
    $begin = function () use ($query) {
        go($query);
        Co::sleep(0.02);
    };
    child("$library, fatal error", fn () => Co\run(function () use ($begin) { $begin(); no_such_function(); }));
    child("$library, exit in a coroutine", fn () => Co\run(function () use ($begin) { $begin(); exit(0); }));
    child("$library, exit in a timer", function () use ($query) {
        Swoole\Runtime::enableCoroutine();
        go($query);
        Swoole\Timer::after(20, function () { exit(3); });
        Swoole\Event::wait();
    });
    foreach ([SWOOLE_BASE, SWOOLE_PROCESS] as $mode) {
        child("$library, server of mode $mode", function () use ($mode, $query) {
            $server = new Swoole\Server('127.0.0.1', 0, $mode);
            $server->set(['worker_num' => 1, 'log_level' => SWOOLE_LOG_NONE, 'hook_flags' => SWOOLE_HOOK_ALL, 'max_wait_time' => 1]);
            $server->on('receive', fn () => null);
            $server->on('workerStart', function ($server) use ($query) {
                go($query);
                Swoole\Timer::after(20, fn () => $server->shutdown());
            });
            $server->start();
        });
    }
}
?>
--EXPECT--
PDO, fatal error: status 255
PDO, exit in a coroutine: status 255
PDO, exit in a timer: status 255
PDO, server of mode 1: status 0
PDO, server of mode 2: status 0
