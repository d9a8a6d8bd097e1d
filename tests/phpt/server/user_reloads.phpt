--TEST--
A worker that has dropped its privileges reloads and shuts down its server; an unknown user or group refuses to start
--EXTENSIONS--
swoole
pcntl
posix
--SKIPIF--
<?php posix_geteuid() === 0 && posix_getpwnam('nobody') || die('skip needs root and the user nobody'); ?>
--FILE--
<?php
require __DIR__ . '/../inc/server.inc';
foreach (MODES as $name => $mode) {
    $lines = serve(function ($server, $journal) {
        chmod((new ReflectionProperty($journal, 'file'))->getValue($journal), 0666);
        $server->set(['worker_num' => 1, 'max_request' => 1000, 'user' => 'nobody']);
        $start = fn ($server) => $journal->record(posix_getpwuid(posix_geteuid())['name'] . ' starts, root\'s groups: ' . json_encode(in_array(0, posix_getgroups(), true)));
        $server->on('workerStart', $start);
        $server->on('receive', fn ($server, $fd, $reactor, $data) => $journal->record("$data " . json_encode($server->$data())));
        $server->on('managerStop', fn () => $journal->record('manager stops'));
    }, function ($ports, $journal) {
        fwrite($c = connect($ports[0]), 'reload');
        wait_for(fn () => substr_count(file_get_contents((new ReflectionProperty($journal, 'file'))->getValue($journal)), 'starts') > 1);
        fwrite($c = connect($ports[0]), 'shutdown');
        $journal->await('manager stops');
    }, $mode);
    echo "$name: ", implode(', ', $lines), "\n";
}
foreach (['user', 'group'] as $setting) {
    if (!$pid = pcntl_fork()) {
        ini_set('display_errors', '0');
        ini_set('error_log', '/dev/null');
        $server = new Swoole\Server('127.0.0.1', 0);
        $server->set([$setting => 'no_such_name', 'log_level' => SWOOLE_LOG_NONE]);
        $server->on('receive', fn () => 1);
        $server->on('workerStart', fn ($server) => $server->shutdown());
        $server->start();
        exit(0);
    }
    pcntl_waitpid($pid, $status);
    echo "unknown $setting: status ", pcntl_wexitstatus($status), "\n";
}
?>
--EXPECT--
process: nobody starts, root's groups: false, reload true, nobody starts, root's groups: false, shutdown true, manager stops
base: nobody starts, root's groups: false, reload true, nobody starts, root's groups: false, shutdown true, manager stops
unknown user: status 255
unknown group: status 255
