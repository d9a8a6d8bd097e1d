--TEST--
Example multiprocess_share_data.php: an atomic, a table, and messages keep shared arrays equal
--EXTENSIONS--
swoole
posix
--FILE--
<?php
require __DIR__ . '/../inc/example.inc';
$server = Example::start('multiprocess_share_data');
[$one, $other] = [$server->connect(), $server->connect()];
[$first, $second] = [$one->ask('get colour'), $other->ask('get colour')];
echo 'two workers ', json_encode($first[7] !== $second[7]), "\n", substr($first, 10), "\n";
echo substr($one->ask('add'), 10), substr($other->ask('add'), 10), substr($one->ask('add'), 10), "\n";
echo substr($one->ask('set colour dark red'), 10), "\n";
until(function () use ($other, &$answer) {
    return ($answer = substr($other->ask('get colour'), 10)) !== 'unknown';
});
echo $answer, "\n", substr($one->ask('get colour'), 10), "\n";
echo substr($other->ask('row city'), 10), ', ', substr($one->ask('put city Rome'), 10), ', ', substr($other->ask('row city'), 10), '; ', substr($one->ask('row city'), 10), "\n";
echo substr($one->ask('help'), 10), "\n";
echo 'status ', $server->stop(), "\n";
?>
--EXPECT--
two workers true
unknown
123
kept
dark red
dark red
unknown, put, Rome, 1; Rome, 2
commands: add, put KEY TEXT, row KEY, set KEY VALUE, get KEY
status 0
