--TEST--
Example timer.php ticks for each connection until it says stop or closes, and fires one timer once
--EXTENSIONS--
swoole
posix
--FILE--
<?php
require __DIR__ . '/../inc/example.inc';
$server = Example::start('timer');
$client = $server->connect();
echo $client->next(), "\n", $client->next(), "\n", $client->next(), "\n";
$client->send('stop');
while (($line = $client->next()) !== 'stopped') {
    str_starts_with($line, 'tick ') || print $line;
}
echo "stopped\n", $client->ask('stop'), "\n", $client->ask('after'), "\n";
$other = $server->connect();
echo $other->next(), "\n";
$other->close();
echo $server->waitFor('~connection 2 is closed, \d+ timers? left~')[0], "\n";
$third = $server->connect(); // its timer runs when the server ends
echo $third->next(), "\n";
echo 'status ', $server->stop(), "\n";
?>
--EXPECT--
tick 1
tick 2
tick 3
stopped
there is no running timer
half a second later
tick 1
connection 2 is closed, 0 timers left
tick 1
status 0
