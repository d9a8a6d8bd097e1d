--TEST--
Example sleep.php: sleeping in a worker delays its other clients; timers and task workers do not
--EXTENSIONS--
swoole
posix
--FILE--
<?php
require __DIR__ . '/../inc/example.inc';
$server = Example::start('sleep', 300);
[$one, $other] = [$server->connect(), $server->connect()];
foreach (['sleep', 'later', 'task'] as $command) {
    $one->send($command);
    $server->waitFor("~^$command begins$~m");
    echo $other->ask('other'), "\n", $one->next(), "\n";
}
echo 'status ', $server->stop(), "\n";
?>
--EXPECT--
answer 2: hello other
answer 1: slept
answer 3: hello other
answer 4: the timer has run
answer 5: hello other
answer 6: the task is done
status 0
