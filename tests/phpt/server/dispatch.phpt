--TEST--
Dispatch modes choose the expected worker; a function can decide; restarted workers take part
--EXTENSIONS--
swoole
pcntl
posix
--FILE--
<?php
require __DIR__ . '/../inc/server.inc';
// Sends $each requests on each of $count connections; returns the answering workers as a list for each connection.
$who = fn (int $port, int $count, int $each) => array_map(function () use ($port, $each) {
    // The connection stays open.
    $GLOBALS['open'][] = $c = connect($port);
    return array_map(fn () => (int) ask($c, 'who'), range(1, $each));
}, range(1, $count));
foreach ([1 => 'in turn', 2 => 'by connection', 4 => 'by address', 5 => 'by uid', 7 => 'stream', 8 => 'least connections', 9 => 'least requests'] as $dispatch => $name) {
    echo "$dispatch $name: ", implode(' ', serve(function ($server) use ($dispatch) {
        $server->set(['worker_num' => 3, 'dispatch_mode' => $dispatch]);
        $server->on('receive', fn ($server, $fd) => $server->send($fd, (string) $server->worker_id));
    }, function ($ports, $journal) use ($who, $dispatch) {
        $seen = $who($ports[0], 6, 6);
        $same = array_filter($seen, fn ($workers) => count(array_unique($workers)) === 1);
        $all = array_unique(array_merge(...$seen));
        $journal->record(count($same) === 6 ? 'one worker a connection,' : 'several workers a connection,');
        $journal->record(match (count($all)) { 1 => 'the same for all', 3 => 'all of them used', default => '' });
    })), "\n";
}
echo "a function:\n", implode("\n", serve(function ($server, $journal) {
    $server->set(['worker_num' => 3, 'dispatch_func' => function ($server, $fd, $type, $data) {
        return match ($data) {
            'drop' => SWOOLE_DISPATCH_RESULT_DISCARD_PACKET,
            'close' => SWOOLE_DISPATCH_RESULT_CLOSE_CONNECTION,
            'throw' => throw new Exception('no worker for this'),
            default => (int) $data,
        };
    }]);
    $server->on('receive', fn ($server, $fd) => $server->send($fd, (string) $server->worker_id));
}, function ($ports, $journal) {
    $c = connect($ports[0]);
    $journal->record(ask($c, '2') . ask($c, '0') . ask($c, '1'));
    fwrite($c, 'drop');
    usleep(50000);
    $journal->record('after a dropped one ' . ask($c, '2'));
    $journal->record('close ' . json_encode([ask($c, 'close'), feof($c)]));
})), "\n";
echo "max_request:\n", implode("\n", serve(function ($server, $journal) {
    $server->set(['max_request' => 3]);
    $server->on('receive', fn ($server, $fd) => $server->send($fd, (string) getmypid()));
}, function ($ports, $journal) {
    $c = connect($ports[0]);
    $pids = array_map(fn () => ask($c, 'x'), range(1, 12));
    $journal->record(json_encode(array_values(array_count_values($pids))));
})), "\n";
?>
--EXPECT--
1 in turn: several workers a connection, all of them used
2 by connection: one worker a connection, all of them used
4 by address: one worker a connection, the same for all
5 by uid: one worker a connection, all of them used
7 stream: several workers a connection, all of them used
8 least connections: one worker a connection, all of them used
9 least requests: several workers a connection, all of them used
a function:
201
after a dropped one 2
close ["",true]
max_request:
[3,3,3,3]
