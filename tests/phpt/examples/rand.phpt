--TEST--
Example rand.php shows a generator seeded before the fork, and the two remedies
--EXTENSIONS--
swoole
posix
--FILE--
<?php
require __DIR__ . '/../inc/example.inc';
$server = Example::start('rand');
$client = $server->connect();
for ($drawn = []; count($drawn) < 3; ) {
    $worker = json_decode($client->ask('x'), true);
    $drawn[$worker['worker']] = $worker;
}
foreach (['inherited', 'seeded', 'random_int'] as $kind) {
    echo "$kind: ", count(array_unique(array_column($drawn, $kind))), " different\n";
}
echo 'status ', $server->stop(), "\n";
?>
--EXPECT--
inherited: 1 different
seeded: 3 different
random_int: 3 different
status 0
