--TEST--
SWOOLE_KEEP hands a connection on only to a client of the same address and id, never a dead one, nor to a forked child
--EXTENSIONS--
swoole
pcntl
--FILE--
<?php
foreach ([0, 1] as $n) {
    $listen[$n] = stream_socket_server('tcp://127.0.0.1:0');
    $port[$n] = (int) substr(strrchr(stream_socket_get_name($listen[$n], false), ':'), 1);
}
function open(int $n = 0, string $id = ''): Swoole\Client
{
    global $port;
    $client = new Swoole\Client(SWOOLE_SOCK_TCP | SWOOLE_KEEP, SWOOLE_SOCK_SYNC, $id);
    $client->connect('127.0.0.1', $port[$n], 1);
    return $client;
}
$first = open();
$second = open();
echo json_encode([$first->reuse, $second->reuse]), " two at once\n";
$first->close();
$third = open();
echo json_encode([$third->reuse, $third->reuseCount]), " after close\n";
unset($third);
$client = open();
echo json_encode([$client->reuse, $client->reuseCount]), " after it was freed\n";
$client->close();
echo json_encode([open(1)->reuse, open(0, 'id')->reuse]), " another port or id\n";
if (!$pid = pcntl_fork()) {
    echo json_encode(open()->reuse), " in a child\n";
    exit;
}
pcntl_waitpid($pid, $status);
$client = open();
$client->close(true);
echo json_encode(open()->reuse), " after close by force\n";
$second->close();
while ($peer = @stream_socket_accept($listen[0], 0)) {
    fclose($peer);
}
echo json_encode(open()->reuse), " after the server has closed all\n";
?>
--EXPECT--
[false,false] two at once
[true,1] after close
[true,2] after it was freed
[false,false] another port or id
false in a child
false after close by force
false after the server has closed all
