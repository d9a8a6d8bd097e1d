--TEST--
Example task.php: the worker goes on while task workers count
--EXTENSIONS--
swoole
posix
--FILE--
<?php
require __DIR__ . '/inc/example.php';
$server = Example::start('task');
$clients = [[$server->connect(), 100], [$server->connect(), 20000]];
foreach ($clients as [$client, $below]) {
    $client->send((string) $below);
}
foreach ($clients as [$client]) {
    echo preg_replace('~^task \d+~', 'task', $client->next()), "\n";
    echo preg_replace(['~^task \d+~', '~worker [12]$~'], ['task', 'a task worker'], $client->next()), "\n";
}
echo 'status ', $server->stop(), "\n";
?>
--EXPECT--
task is queued
task: 25 primes below 100, by a task worker
task is queued
task: 2262 primes below 20000, by a task worker
status 0
