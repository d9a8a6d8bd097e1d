--TEST--
SIGHUP, SIGALRM, SIGPIPE, SIGUSR1 and SIGUSR2 end no process of a server, and the pid file goes with the server
--EXTENSIONS--
swoole
pcntl
posix
--FILE--
<?php
foreach (['process' => SWOOLE_PROCESS, 'base' => SWOOLE_BASE] as $name => $mode) {
    $file = tempnam(sys_get_temp_dir(), 'pid');
    $journal = tempnam(sys_get_temp_dir(), 'journal');
    if (!$head = pcntl_fork()) {
        $server = new Swoole\Server('127.0.0.1', 0, $mode);
        $server->set(['worker_num' => 2, 'task_worker_num' => 1, 'pid_file' => $file, 'log_level' => SWOOLE_LOG_NONE]);
        $server->on('receive', fn () => 1);
        $server->on('task', fn () => 1);
        $say = fn ($who) => file_put_contents($journal, "$who " . getmypid() . "\n", FILE_APPEND);
        $server->on('workerStart', fn ($server, $id) => $say("worker $id"));
        $server->on('managerStart', fn () => $say('manager'));
        $server->on('shutdown', fn () => $say('shutdown'));
        $server->addProcess(new Swoole\Process(function () use ($say) {
            $say('user process');
            while (true) {
                sleep(10);
            }
        }));
        $server->start();
        exit;
    }
    for ($try = 0; $try < 1000 && count(file($journal)) < 5; $try++) {
        usleep(10000);
    }
    $pids = [$head];
    foreach (file($journal, FILE_IGNORE_NEW_LINES) as $line) {
        $pids[] = (int) substr($line, strrpos($line, ' ') + 1);
    }
    $pids = array_unique($pids);
    foreach ($pids as $pid) {
        posix_kill($pid, SIGHUP);
        posix_kill($pid, SIGALRM);
        posix_kill($pid, SIGPIPE);
    }
    // The manager and the master reload at SIGUSR1 and SIGUSR2.
    $heads = [$head, (int) trim(substr(strstr(file_get_contents($journal), 'manager '), 8))];
    foreach (array_diff($pids, $heads) as $pid) {
        posix_kill($pid, SIGUSR1);
        posix_kill($pid, SIGUSR2);
    }
    usleep(200000);
    $dead = array_filter($pids, fn ($pid) => !posix_kill($pid, 0));
    echo "$name: ", count($pids) >= 5 ? 'all processes' : json_encode($pids), ', ', count($dead), ' ended, ';
    echo count(file($journal)) === 5 ? 'none replaced' : file_get_contents($journal), "\n";
    posix_kill($head, SIGTERM);
    pcntl_waitpid($head, $status);
    clearstatcache();
    echo str_contains(file_get_contents($journal), 'shutdown') ? 'ended in order' : 'killed', ', pid file ', file_exists($file) ? 'left' : 'removed', "\n";
    unlink($journal);
}
// The master is killed: the manager ends the rest, and removes the file.
$file = tempnam(sys_get_temp_dir(), 'pid');
if (!$head = pcntl_fork()) {
    $server = new Swoole\Server('127.0.0.1', 0, SWOOLE_PROCESS);
    $server->set(['worker_num' => 1, 'pid_file' => $file, 'log_level' => SWOOLE_LOG_NONE]);
    $server->on('receive', fn () => 1);
    $server->on('workerStart', fn () => touch("$file.ready"));
    $server->start();
    exit;
}
for ($try = 0; $try < 1000 && !file_exists("$file.ready"); $try++) {
    usleep(10000);
    clearstatcache();
}
unlink("$file.ready");
posix_kill($head, SIGKILL);
pcntl_waitpid($head, $status);
for ($try = 0; $try < 1000 && file_exists($file); $try++) {
    usleep(10000);
    clearstatcache();
}
echo 'killed: pid file ', file_exists($file) ? 'left' : 'removed', "\n";
?>
--EXPECT--
process: all processes, 0 ended, none replaced
ended in order, pid file removed
base: all processes, 0 ended, none replaced
ended in order, pid file removed
killed: pid file removed
