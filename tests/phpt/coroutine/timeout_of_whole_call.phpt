--TEST--
A timeout bounds a whole call, however many pieces arrive meanwhile
--EXTENSIONS--
swoole
sockets
--FILE--
<?php
use Swoole\Coroutine as Co;
Co\run(function () {
    $listener = new Co\Socket(AF_INET, SOCK_STREAM, 0);
    $listener->bind('127.0.0.1');
    $listener->listen();
    $port = $listener->getsockname()['port'];
    $calls = [
        'recvAll' => fn (Co\Socket $s) => $s->recvAll(1000, 0.1),
        'recvLine' => fn (Co\Socket $s) => $s->recvLine(1000, 0.1),
        'readVectorAll' => fn (Co\Socket $s) => $s->readVectorAll([500, 500], 0.1),
        'recvPacket' => fn (Co\Socket $s) => $s->recvPacket(0.1),
    ];
    foreach ($calls as $name => $call) {
        $done = false;
        go(function () use ($listener, &$done) {
            $peer = $listener->accept();
            // A piece every 30 ms for as long as the other side takes: no single wait reaches the timeout.
            while (!$done) { if ($peer->send('x') === false) break; Co::sleep(0.03); }
            $peer->close();
        });
        $socket = new Co\Socket(AF_INET, SOCK_STREAM, 0);
        $socket->connect('127.0.0.1', $port);
        $socket->setProtocol(['open_eof_split' => true, 'package_eof' => "\n"]);
        $call($socket);
        echo $name, ' ', $socket->errCode === SOCKET_ETIMEDOUT ? 'timed out' : "ended with $socket->errCode", "\n";
        $done = true;
        $socket->close();
    }
    $client = new Co\Client(SWOOLE_SOCK_TCP);
    $client->connect('127.0.0.1', $port, 0.05);
    var_dump($client->recv());
    echo $client->errCode === SOCKET_ETIMEDOUT ? "connect()'s timeout is the client's\n" : "$client->errCode\n";
    $udp = new Co\Client(SWOOLE_SOCK_UDP);
    $udp->set(['bind_address' => '127.0.0.1', 'bind_port' => 0]);
    go(function () use ($udp) {
        $sender = new Co\Socket(AF_INET, SOCK_DGRAM, 0);
        while (!$udp->isConnected()) Co::sleep(0.001);
        $sender->sendto('127.0.0.1', $udp->getsockname()['port'], 'hello');
    });
    var_dump($udp->recvfrom(1024, $address, $from));
    // A proxy that answers byte by byte, and never all of it.
    $answers = ['socks5' => "\5\0\5\0\0\1\0\0", 'http_proxy' => "HTTP/1.1 200 Connection established"];
    foreach ($answers as $kind => $answer) {
        $done = false;
        go(function () use ($listener, $answer, &$done) {
            $peer = $listener->accept();
            for ($n = 0; !$done; $n++) { if ($peer->send($answer[$n] ?? 'x') === false) break; Co::sleep(0.03); }
            $peer->close();
        });
        $client = new Co\Client(SWOOLE_SOCK_TCP);
        $client->set(["{$kind}_host" => '127.0.0.1', "{$kind}_port" => $port]);
        var_dump($client->connect('127.0.0.1', 1, 0.1));
        echo $kind, ' ', $client->errCode === SOCKET_ETIMEDOUT ? 'timed out' : "ended with $client->errCode", "\n";
        $done = true;
    }
});
?>
--EXPECT--
recvAll timed out
recvLine timed out
readVectorAll timed out
recvPacket timed out
bool(false)
connect()'s timeout is the client's
string(5) "hello"
bool(false)
socks5 timed out
bool(false)
http_proxy timed out
