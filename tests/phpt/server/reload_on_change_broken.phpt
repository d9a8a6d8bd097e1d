--TEST--
A file that does not compile is reported once with reload_on_change: the other workers go on with the old file until it is mended
--EXTENSIONS--
swoole
pcntl
posix
--INI--
display_errors=0
log_errors=1
--FILE--
<?php
require __DIR__ . '/../inc/server.inc';
$root = sys_get_temp_dir() . '/reload_broken' . getmypid();
$owner = getmypid();
register_shutdown_function(fn () => getmypid() === $owner && exec('rm -rf ' . escapeshellarg($root)));
foreach (['process' => [SWOOLE_PROCESS, 3], 'base' => [SWOOLE_BASE, 3]] as $name => [$mode, $workers]) {
    exec('rm -rf ' . escapeshellarg($root));
    mkdir("$root/src", recursive: true);
    file_put_contents("$root/src/page.php", '<?php return "first";');
    $journal = new Journal();
    if (($pid = pcntl_fork()) === 0) {
        ini_set('error_log', "$root/errors");
        $server = new Swoole\Http\Server('127.0.0.1', 0, $mode);
        $server->set(['worker_num' => $workers, 'log_level' => SWOOLE_LOG_WARNING, 'log_file' => "$root/log", 'reload_on_change' => ["$root/src"]]);
        $server->on('workerStart', function ($server, $id) use ($root, $journal) {
            function_exists('opcache_reset') && opcache_reset();
            $GLOBALS['page'] = require "$root/src/page.php";
            $journal->record("worker $id of port $server->port with $GLOBALS[page]");
        });
        $server->on('request', fn ($request, $response) => $response->end($GLOBALS['page']));
        $server->start();
        posix_kill(getmypid(), SIGKILL);
    }
    wait_for(fn () => $journal->count('with first') === $workers);
    $port = $journal->find('/port (\d+)/')[1];
    $page = fn ($text) => wait_for(fn () => @file_get_contents("http://127.0.0.1:$port/") === $text);
    $page('first');
    file_put_contents("$root/src/page.php", '<?php return "sec');
    wait_for(fn () => str_contains((string) @file_get_contents("$root/log"), 'does not start'));
    for ($i = 0; $i < 20; $i++) {
        $page('first');
    }
    // Once more: the worker that does not run tries it, and no other.
    file_put_contents("$root/src/page.php", '<?php return "thi');
    wait_for(fn () => substr_count(file_get_contents("$root/log"), 'does not start') === 2);
    $page('first');
    file_put_contents("$root/src/page.php", '<?php return "mended";');
    wait_for(fn () => $journal->count('with mended') === $workers);
    $page('mended');
    echo "$name: ", substr_count(file_get_contents("$root/errors"), 'Parse error'), ' errors, ',
        substr_count(file_get_contents("$root/log"), 'does not start'), " lines in the log\n";
    posix_kill($pid, SIGTERM);
    pcntl_waitpid($pid, $status);
    $journal->end();
}
?>
--EXPECT--
process: 2 errors, 2 lines in the log
base: 2 errors, 2 lines in the log
