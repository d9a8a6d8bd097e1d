--TEST--
Examples pool.php, crawler.php and process_daemon.php: pool work, concurrent pages, a program in the background
--EXTENSIONS--
swoole
posix
--FILE--
<?php
require __DIR__ . '/../inc/example.inc';
$pool = Example::run('pool');
echo 'status ', $pool->end(), "\n", $pool->printed();

$crawler = Example::run('crawler', 100);
echo 'status ', $crawler->end(), "\n";
$lines = preg_split('~[\r\n]~', rtrim($crawler->printed()));
echo $lines[count($lines) - 2], "\n", preg_replace('~in .*~', 'in no time', end($lines)), "\n";
preg_match_all('~\r(\d+) of 100 pages~', $crawler->printed(), $progress);
$sorted = $progress[1];
sort($sorted);
echo 'progress only forward: ', json_encode($progress[1] === $sorted && count($sorted) > 1), "\n";

$log = tempnam(sys_get_temp_dir(), 'swoosh');
register_shutdown_function(fn () => unlink($log));
$daemon = Example::run('process_daemon', $log);
echo 'status ', $daemon->end(), ' ', str_replace($log, 'LOG', $daemon->printed());
until(fn () => str_contains(file_get_contents($log), 'beat 3'));
preg_match('~process (\d+)~', file_get_contents($log), $found);
$pid = (int) $found[1];
register_shutdown_function(fn () => posix_kill($pid, SIGKILL));
echo 'a session of its own ', json_encode(posix_getsid($pid) !== posix_getsid(getmypid())), "\n";
posix_kill($pid, SIGTERM);
until(fn () => str_contains(file_get_contents($log), 'goodbye'));
until(fn () => !posix_kill($pid, 0));
echo "gone\n";
?>
--EXPECT--
status 0
the pool starts
worker 2 fails at job 3
squares: 1 4 9 16 25 36 49 64 81 100
the pool has ended
status 0
100 of 100 pages
100 pages, 100 with their own title, 9001 bytes, by 4 processes in no time
progress only forward: true
status 0 continuing in the background, log in LOG
a session of its own true
gone
