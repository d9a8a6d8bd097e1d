--TEST--
Example daemon.php leaves the terminal, serves, logs, and shuts down by its pid file
--EXTENSIONS--
swoole
posix
--FILE--
<?php
require __DIR__ . '/../inc/example.inc';
$folder = tempnam(sys_get_temp_dir(), 'swoosh');
unlink($folder);
mkdir($folder);
[$log, $pid_file] = ["$folder/swoosh-daemon.log", "$folder/swoosh-daemon.pid"];
register_shutdown_function(function () use ($folder, $log, $pid_file) {
    // It may still be daemonizing.
    for ($n = 0; $n < 200 && !is_file($pid_file) && !str_contains((string) @file_get_contents($log), 'has ended'); $n++) {
        usleep(10_000);
    }
    $running = preg_match('~runs as process (\d+)\n(?!.*has ended)~s', (string) @file_get_contents($log), $told);
    $running && posix_kill((int) $told[1], SIGKILL);
    ($pid = (int) @file_get_contents($pid_file)) > 1 && posix_kill($pid, SIGKILL);
    array_map(unlink(...), glob("$folder/*"));
    rmdir($folder);
});
$server = Example::start('daemon', $folder);
echo $server->waitFor('~stop it with:  kill~')[0], "\n";
echo 'status ', $server->end(), "\n"; // no process of it holds the terminal's output any more
until(fn () => is_file($log) && str_contains(file_get_contents($log), 'the daemon runs'));
$pid = (int) file_get_contents($pid_file) ?: throw new Exception('the pid file is empty');
echo 'the pid file names it ', json_encode(str_contains(file_get_contents($log), "the daemon runs as process $pid\n")), "\n";
echo 'a session of its own ', json_encode(posix_getsid($pid) !== posix_getsid(getmypid())), "\n";
echo $server->connect()->ask('are you there?'), "\n";
until(fn () => str_contains(file_get_contents($log), 'got are you there?'));
posix_kill($pid, SIGTERM);
until(fn () => str_contains(file_get_contents($log), 'the daemon has ended'));
until(fn () => !is_file($pid_file));
echo "ended\n";
?>
--EXPECT--
stop it with:  kill
status 0
the pid file names it true
a session of its own true
from the background: are you there?
ended
