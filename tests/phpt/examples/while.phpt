--TEST--
Example while.php: an endless loop blocks one worker; a process of its own is the place for one
--EXTENSIONS--
swoole
posix
--FILE--
<?php
require __DIR__ . '/../inc/example.inc';
$server = Example::start('while');
[$one, $other] = [$server->connect(), $server->connect()];
preg_match('~^worker (\d)~', $one->ask('count'), $mine);
preg_match('~^worker (\d)~', $other->ask('count'), $its);
echo 'two workers ', json_encode($mine[1] !== $its[1]), "\n";
$one->send('wrong');
echo 'that one loops ', json_encode($server->waitFor('~worker (\d) loops forever~')[1] === $mine[1]), "\n";
$one->send('count');
$runs = fn () => preg_match('~has run (\d+) times$~', $other->ask('count'), $part) ? (int) $part[1] : -1;
$first = $runs();
until(fn () => $runs() > $first + 5); // the other worker serves, the loop in its own process runs
stream_set_blocking($one->stream, false);
echo 'an answer from the looping worker: ', json_encode(fgets($one->stream)), "\n";
echo 'status ', $server->stop(), "\n";
?>
--EXPECT--
two workers true
that one loops true
an answer from the looping worker: false
status 0
