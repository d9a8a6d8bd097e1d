--TEST--
Example task.php: the worker continues while task workers count
--EXTENSIONS--
swoole
posix
--FILE--
<?php
require __DIR__ . '/../inc/example.inc';
$server = Example::start('task');
$clients = [[$server->connect(), 100], [$server->connect(), 20000]];
foreach ($clients as [$client, $below]) {
    $client->send((string) $below);
}
foreach ($clients as [$client]) {
    preg_match('~^task (\d+) is queued$~', $client->next(), $queued);
    preg_match('~^task (\d+): (.*), by worker [12]$~', $client->next(), $done);
    $tasks[$queued[1]] = true;
    echo $done[2], ', the same task ', json_encode($queued[1] === $done[1]), "\n";
}
echo count($tasks), " tasks\n";
echo 'status ', $server->stop(), "\n";
?>
--EXPECT--
25 primes below 100, the same task true
2262 primes below 20000, the same task true
2 tasks
status 0
