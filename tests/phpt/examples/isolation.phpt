--TEST--
Example isolation.php: each worker counts for itself, the atomic for all
--EXTENSIONS--
swoole
posix
--FILE--
<?php
require __DIR__ . '/../inc/example.inc';
$server = Example::start('isolation');
$client = $server->connect();
for ($n = 1; $n <= 6; $n++) {
    preg_match('~^worker (\d) counts (\d), the atomic counts (\d)$~', $client->ask('x'), $part);
    $counts[$part[1]] = $part[2];
    $all = $part[3];
}
ksort($counts);
echo json_encode($counts), ", together $all\n";
echo 'status ', $server->stop(), "\n";
?>
--EXPECT--
["3","3"], together 6
status 0
