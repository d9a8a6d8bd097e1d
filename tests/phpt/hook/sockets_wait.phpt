--TEST--
PHP's own socket_* functions let other coroutines run while they wait, with their timeouts and errors
--EXTENSIONS--
swoole
sockets
--FILE--
<?php
use Swoole\Coroutine as Co;

$work = function (bool $inside) {
    $run = $inside ? go(...) : fn ($f) => $f();
    $server = socket_create(AF_INET, SOCK_STREAM, SOL_TCP);
    socket_bind($server, '127.0.0.1', 0);
    socket_listen($server, 50);
    socket_getsockname($server, $address, $port);
    $client = socket_create(AF_INET, SOCK_STREAM, SOL_TCP);
    $facts = [get_class($server), socket_connect($client, '127.0.0.1', $port)];
    $peer = socket_accept($server);
    $facts[] = [get_class($peer), socket_write($client, "line\n"), socket_read($peer, 10, PHP_NORMAL_READ), socket_send($client, 'abc', 3, 0), socket_recv($peer, $got, 10, 0), $got];
    socket_set_option($peer, SOL_SOCKET, SO_RCVTIMEO, ['sec' => 0, 'usec' => 20000]);
    $facts[] = [@socket_recv($peer, $got, 10, 0), socket_last_error($peer) === SOCKET_EAGAIN, @socket_read($peer, 10)];
    $facts[] = [@socket_recv($peer, $got, 10, MSG_DONTWAIT), socket_last_error($peer) === SOCKET_EAGAIN];
    $r = [$peer];
    $w = $e = null;
    $facts[] = [socket_select($r, $w, $e, 0, 5000), $r];
    socket_write($client, 'x');
    $r = [$server, $peer];
    $w = [$client];
    $facts[] = [socket_select($r, $w, $e, 10), count($r), count($w)];
    socket_close($client);
    $facts[] = [socket_read($peer, 10), socket_read($peer, 10)];
    $u = socket_create(AF_INET, SOCK_DGRAM, SOL_UDP);
    socket_bind($u, '127.0.0.1', 0);
    socket_getsockname($u, $address, $to);
    $facts[] = [socket_sendto($u, 'datagram', 8, 0, '127.0.0.1', $to), socket_recvfrom($u, $got, 100, 0, $from, $fromPort), $got, $fromPort === $to];
    socket_sendmsg($u, ['name' => ['addr' => '127.0.0.1', 'port' => $to], 'iov' => ['a', 'b']]);
    $message = ['buffer_size' => 10, 'controllen' => 100];
    $facts[] = [socket_recvmsg($u, $message), $message['iov']];
    $none = socket_create(AF_INET, SOCK_STREAM, SOL_TCP);
    socket_close($server);
    $facts[] = [@socket_connect($none, '127.0.0.1', $port), socket_last_error($none) === SOCKET_ECONNREFUSED];
    socket_create_pair(AF_UNIX, SOCK_STREAM, 0, $pair);
    socket_set_nonblock($pair[0]);
    $facts[] = [@socket_read($pair[0], 5), socket_last_error($pair[0]) === SOCKET_EAGAIN];
    return $facts;
};
$outside = $work(false);
Co\run(function () use ($work, $outside) {
    $inside = $work(true);
    foreach ($outside as $i => $facts) if (json_encode($facts) !== json_encode($inside[$i])) echo json_encode([$facts, $inside[$i]]), "\n";
    echo count($outside), " groups compared\n";
});
Co\run(function () {
    $server = socket_create_listen(0);
    socket_getsockname($server, $address, $port);
    $order = [];
    go(function () use ($server, &$order) {
        $order[] = 'accepts';
        $peer = socket_accept($server);
        $order[] = 'accepted';
        socket_recv($peer, $all, 300_000, MSG_WAITALL);
        $order[] = 'received ' . strlen($all);
        socket_write($peer, str_repeat('y', 2_000_000));
        socket_close($peer);
    });
    $order[] = 'connects';
    $client = socket_create(AF_INET, SOCK_STREAM, SOL_TCP);
    socket_connect($client, '127.0.0.1', $port);
    $order[] = 'sent ' . socket_write($client, str_repeat('x', 100_000)) + socket_write($client, str_repeat('x', 200_000));
    Co::sleep(0.005);
    for ($got = 0; ($part = socket_read($client, 65536)) !== ''; $got += strlen($part));
    echo "$order[0], $order[1], ", count($order), " steps, got $got\n";

    echo "A cancelled read, a second reader, and a select in a coroutine\n";
    socket_create_pair(AF_UNIX, SOCK_STREAM, 0, $pair);
    $id = go(function () use ($pair) { $r = @socket_read($pair[0], 5); echo json_encode([$r, socket_last_error($pair[0]) === SOCKET_ECANCELED, Co::isCanceled()]), "\n"; });
    try {
        socket_read($pair[0], 5);
    } catch (Error $e) {
        echo get_class($e), "\n";
    }
    Co::cancel($id);
    go(function () use ($pair) {
        $r = [$pair[0]];
        $w = $e = null;
        $n = socket_select($r, $w, $e, null);
        echo "ready $n ", socket_read($pair[0], 5), "\n";
    });
    echo "the select waits\n";
    socket_write($pair[1], 'hello');
});
?>
--EXPECT--
12 groups compared
accepts, connects, 5 steps, got 2000000
A cancelled read, a second reader, and a select in a coroutine
Error
[false,true,true]
the select waits
ready 1 hello
