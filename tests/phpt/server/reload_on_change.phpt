--TEST--
With reload_on_change, workers are replaced when a file below the folders changes, also in folders that are made later
--EXTENSIONS--
swoole
pcntl
posix
--FILE--
<?php
require __DIR__ . '/../inc/server.inc';
$root = sys_get_temp_dir() . '/reload_on_change' . getmypid();
register_shutdown_function(fn () => exec('rm -rf ' . escapeshellarg($root)));
foreach (['process' => [SWOOLE_PROCESS, 2], 'base' => [SWOOLE_BASE, 2], 'base with one worker' => [SWOOLE_BASE, 1]] as $name => [$mode, $workers]) {
    exec('rm -rf ' . escapeshellarg($root));
    mkdir("$root/src/vendor", recursive: true);
    file_put_contents("$root/src/page.php", '<?php return "first";');
    $journal = new Journal();
    if (($pid = pcntl_fork()) === 0) {
        $server = new Swoole\Http\Server('127.0.0.1', 0, $mode);
        $server->set(['worker_num' => $workers, 'log_level' => SWOOLE_LOG_WARNING, 'reload_on_change' => ["$root/src"]]);
        $server->on('workerStart', function ($server, $id) use ($root, $journal) {
            function_exists('opcache_reset') && opcache_reset();
            $GLOBALS['page'] = require "$root/src/page.php";
            $journal->record("worker $id of port $server->port");
        });
        $server->on('request', fn ($request, $response) => $response->end($GLOBALS['page'] . ' ' . getmypid()));
        $server->on('afterReload', fn () => $journal->record('reloaded'));
        $server->start();
        posix_kill(getmypid(), SIGKILL);
    }
    $journal->await('worker');
    $port = $journal->find('/port (\d+)/')[1];
    $page = fn ($text) => wait_for(fn () => str_starts_with((string) @file_get_contents("http://127.0.0.1:$port/"), $text));
    $page('first');
    // Neither a file of another kind nor one in an ignored folder counts; a save under another name, as editors do, does.
    file_put_contents("$root/src/app.log", 'line');
    file_put_contents("$root/src/vendor/more.php", '<?php');
    usleep(300000);
    echo "$name: ", $journal->count('reloaded'), ' reloads; ';
    file_put_contents("$root/src/page.tmp", '<?php return "second";');
    rename("$root/src/page.tmp", "$root/src/page.php");
    $page('second');
    mkdir("$root/src/new/deep", recursive: true);
    wait_for(fn () => $journal->count('reloaded') >= 1);
    file_put_contents("$root/src/new/deep/other.php", '<?php');
    wait_for(fn () => $journal->count('reloaded') >= 2);
    file_put_contents("$root/src/page.php", '<?php return "third";');
    $page('third');
    echo "answers were replaced\n";
    posix_kill($pid, SIGTERM);
    pcntl_waitpid($pid, $status);
    $journal->end();
}
?>
--EXPECT--
process: 0 reloads; answers were replaced
base: 0 reloads; answers were replaced
base with one worker: 0 reloads; answers were replaced
