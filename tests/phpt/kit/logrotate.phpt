--TEST--
logrotate with the file of the kit moves the log of a running server, which goes on in the new one
--EXTENSIONS--
swoole
posix
--SKIPIF--
<?php
require __DIR__ . '/../inc/components.inc';
need_components('logrotate');
?>
--FILE--
<?php
require __DIR__ . '/../inc/kit.inc';
$folder = kit_folder();
rename(kit_release('v1'), "$folder/v1");
$log = "$folder/app.log";
putenv("SWOOSH_LOG_FILE=$log");
$server = kit_server("$folder/v1", free_port());
$head = (int) file_get_contents("$folder/pid");
posix_kill($head, SIGUSR1); // logs the replacement of the workers
until(fn () => str_contains((string) @file_get_contents($log), 'replacing workers'));

$user = posix_getpwuid(posix_getuid())['name'] . ' ' . posix_getgrgid(posix_getgid())['name'];
$file = kit_copy('logrotate/swoosh', ['/var/log/swoosh' => $folder, 'www-data www-data' => $user, '/run/swoosh/swoosh.pid' => "$folder/pid"]);
chmod($file, 0644);
[$status, $printed] = run_command(['logrotate', '--force', '--state', "$folder/state", $file]);
echo "logrotate: $status $printed\n";
echo 'the old lines are in app.log.1: ', json_encode(str_contains(file_get_contents("$log.1"), 'replacing workers')), "\n";
// Each process has opened the new file.
until(fn () => !in_array("$log.1", array_map(fn ($fd) => @readlink($fd), glob('/proc/[0-9]*/fd/*'))));
posix_kill($head, SIGUSR1);
until(fn () => str_contains((string) @file_get_contents($log), 'replacing workers'));
echo 'new lines are in app.log: true, and not in app.log.1: ', json_encode(substr_count(file_get_contents("$log.1"), 'replacing workers') === 1), "\n";
echo 'status ', $server->stop(SIGTERM), "\n";
?>
--EXPECT--
logrotate: 0 
the old lines are in app.log.1: true
new lines are in app.log: true, and not in app.log.1: true
status 0
