--TEST--
Example exit.php: exit ends the worker, returning early does not, stop ends it in order
--EXTENSIONS--
swoole
posix
--FILE--
<?php
require __DIR__ . '/../inc/example.inc';
$server = Example::start('exit');
$client = $server->connect();
preg_match('~^process (\d+)$~', $client->ask('who'), $first);
echo 'left in the same process ', json_encode($client->ask('leave') === "left early, in process $first[1]"), "\n";
$client->send('exit');
$server->waitFor("~^process $first[1] ended with status 255$~m");
preg_match('~^process (\d+)$~', $client->ask('who'), $second);
echo 'another process ', json_encode($second[1] !== $first[1]), "\n";
echo 'the answer is still sent ', json_encode($client->ask('stop') === $second[0]), "\n";
$server->waitFor("~^process $second[1] ends in order$~m");
until(function () use ($client, $second) {
    return $client->ask('who') !== $second[0];
});
echo 'status ', $server->stop(), "\n";
preg_match_all('~ended with status~', $server->printed(), $errors);
echo count($errors[0]), " error\n";
?>
--EXPECT--
left in the same process true
another process true
the answer is still sent true
status 0
1 error
