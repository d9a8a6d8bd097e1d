--TEST--
`make run` serves the first page, on the port of SWOOSH_PORT, until Ctrl+C
--EXTENSIONS--
swoole
posix
--ENV--
SWOOSH_PORT=0
--FILE--
<?php
require __DIR__ . '/../inc/example.inc';
$server = Example::command(['sh', dirname(examples()) . '/run.sh', PHP_BINARY, swoosh()]);
$address = $server->waitFor('~^open (http://127\.0\.0\.1:\d+)$~m')[1];
echo 'not the default port ', json_encode(!str_ends_with($address, ':9501')), "\n";
echo $server->waitFor('~^stop .*$~m')[0], "\n", implode(preg_grep('~^<h1>~', file("$address/")));
echo 'status ', $server->stop(SIGINT), "\n";
$makefile = file_get_contents(dirname(examples(), 2) . '/Makefile');
echo 'make run does that: ', json_encode(preg_match('~^run:.*\n(\t.*\n)*\t@?sh examples/run\.sh ~m', $makefile) === 1), "\n";
?>
--EXPECT--
not the default port true
stop it with Ctrl+C
<h1>Hello from Swoosh, you</h1>
status 0
make run does that: true
