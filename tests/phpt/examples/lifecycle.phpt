--TEST--
Example lifecycle.php shows the lifetime of data of the program, a process, a session and a request
--EXTENSIONS--
swoole
posix
--FILE--
<?php
require __DIR__ . '/../inc/example.inc';
$server = Example::start('lifecycle');
$clients = [];
for ($n = 1; $n <= 4; $n++) {
    $clients[$n] = $server->connect();
    $answers[$n] = $clients[$n]->ask(str_repeat('x', $n));
}
$answers[5] = $clients[1]->ask('again');
$form = '~^(program \w+), (worker \d \w+) with (\d+) lines and (\d+) sessions, session (\d+) with (\d+) lines, request of (\d+) bytes$~';
$programs = $processes = [];
foreach ($answers as $answer) {
    [, $program, $process, $of_process, , $session, $of_session, $bytes] = preg_match($form, $answer, $part) ? $part : exit($answer);
    $programs[$program] = true;
    $processes[$process] = max($of_process, $processes[$process] ?? 0);
    echo "session $session: line $of_session of $bytes bytes\n";
}
echo count($programs), ' program, ', count($processes), ' processes with ', array_sum($processes), " lines\n";
$clients[3]->close();
$server->waitFor('~session 3 is over~');
preg_match($form, $clients[1]->ask('x'), $part);
echo "sessions left beside session 1: ", $part[4] - 1, "\n";
echo 'status ', $server->stop(), "\n";
?>
--EXPECT--
session 1: line 1 of 1 bytes
session 2: line 1 of 2 bytes
session 3: line 1 of 3 bytes
session 4: line 1 of 4 bytes
session 1: line 2 of 5 bytes
1 program, 2 processes with 5 lines
sessions left beside session 1: 0
status 0
