--TEST--
Example callback.php runs every event, each in its process
--EXTENSIONS--
swoole
posix
--FILE--
<?php
require __DIR__ . '/../inc/example.inc';
$server = Example::start('callback');
[$port, $datagrams] = $server->ports;
$client = $server->connect();
echo $client->ask('help'), "\n";
$steps = ['task' => 'finish', 'message' => 'pipeMessage', 'reload' => 'afterReload', 'crash' => 'workerError'];
foreach ($steps as $command => $event) {
    $client->send($command);
    $server->waitFor("~^$event in ~m");
}
$client->send('flood');
$server->waitFor('~^bufferFull in ~m');
echo strlen($client->bytes(6 * 1024 * 1024)), " bytes came\n";
$server->waitFor('~^bufferEmpty in ~m');
fwrite(stream_socket_client("udp://127.0.0.1:$datagrams"), 'datagram');
$server->waitFor('~^packet in ~m');
$client->close();
$server->waitFor('~^close in ~m');
echo 'status ', $server->stop(), "\n";

preg_match_all('~^(\w+) in (master|manager|task worker|worker)( \d)?, pid (\d+)$~m', $server->printed(), $events, PREG_SET_ORDER);
$where = $pids = [];
foreach ($events as [, $event, $process, , $pid]) {
    $where[$event][$process] = $process;
    $pids[$process][$pid] = $pid;
}
ksort($where);
foreach ($where as $event => $processes) {
    sort($processes);
    echo "$event: ", implode(', ', $processes), "\n";
}
echo 'masters ', count($pids['master']), ', managers ', count($pids['manager']), "\n";
?>
--EXPECT--
commands: task, message, flood, reload, crash
6291456 bytes came
status 0
afterReload: manager
beforeReload: manager
beforeShutdown: master
bufferEmpty: worker
bufferFull: worker
close: worker
connect: worker
finish: worker
managerStart: manager
managerStop: manager
packet: worker
pipeMessage: worker
receive: worker
shutdown: master
start: master
task: task worker
workerError: manager
workerExit: worker
workerStart: task worker, worker
workerStop: task worker, worker
masters 1, managers 1
