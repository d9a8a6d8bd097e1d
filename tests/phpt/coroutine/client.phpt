--TEST--
Coroutine\Client and Coroutine\Server handle packets, timeouts, datagrams, Unix sockets, proxies and server shutdown
--EXTENSIONS--
swoole
sockets
--FILE--
<?php
use Swoole\Coroutine as Co;
use Swoole\Coroutine\Client;
use Swoole\Coroutine\Server;
use Swoole\Coroutine\Socket;
Co\run(function () {
    $framing = ['open_length_check' => true, 'package_length_type' => 'n', 'package_length_offset' => 0, 'package_body_offset' => 2];
    $server = new Server('127.0.0.1', 0);
    $server->set($framing);
    $server->handle(function (Server\Connection $connection) use ($server) {
        while (($packet = $connection->recv()) !== '' && $packet !== false) {
            $body = substr($packet, 2);
            if ($body === 'slow') Co::sleep(0.05);
            if ($body === 'end') $server->shutdown();
            $connection->send(pack('n', strlen($body) + 1) . "<$body");
        }
        $connection->close();
    });
    go(function () use ($server) { echo 'start gave ', var_export($server->start(), true), "\n"; });

    $client = new Client(SWOOLE_SOCK_TCP);
    var_dump(@$client->recv(), $client->errCode === SWOOLE_ERROR_CLIENT_NO_CONNECTION);
    $client->set($framing + ['timeout' => 1]);
    var_dump($client->connect('127.0.0.1', $server->port), $client->isConnected(), $client->connected);
    $client->send(pack('n', 3) . 'one' . pack('n', 3) . 't');
    $client->send('wo');
    var_dump(substr($client->recv(), 2), substr($client->recv(), 2));
    $client->send(pack('n', 4) . 'slow');
    var_dump($client->recv(0.01), $client->errCode === SOCKET_ETIMEDOUT, substr($client->recv(1), 2));
    var_dump($client->getpeername()['port'] === $server->port, $client->exportSocket() instanceof Socket);

    // Two proxies, of one connection each: SOCKS5 with a user, and CONNECT.
    $relay = function (Socket $a, Socket $b) { while (($d = $a->recv()) !== '' && $d !== false) $b->sendAll($d); $b->shutdown(1); };
    $proxy = function (callable $shake) use ($relay) {
        $l = new Socket(AF_INET, SOCK_STREAM, 0); $l->bind('127.0.0.1'); $l->listen();
        go(function () use ($l, $shake, $relay) {
            $c = $l->accept();
            [$host, $port] = $shake($c);
            $s = new Socket(AF_INET, SOCK_STREAM, 0); $s->connect($host, $port) || print "the proxy cannot connect\n";
            go(fn () => $relay($c, $s));
            $relay($s, $c);
        });
        return $l->getsockname()['port'];
    };
    $socks = $proxy(function ($c) {
        $c->recvAll(3); $c->send("\x05\x02");
        $user = $c->recvAll(1 + 1 + 2 + 1 + 3); $c->send("\x01" . (substr($user, 2, 2) === 'me' && substr($user, 5) === 'key' ? "\0" : "\1"));
        $head = $c->recvAll(5); $host = $c->recvAll(ord($head[4])); $port = unpack('n', $c->recvAll(2))[1];
        $c->send("\x05\0\0\x01" . "\x7f\0\0\x01" . pack('n', 1));
        return [$host, $port];
    });
    $http = $proxy(function ($c) {
        $head = '';
        while (!str_contains($head, "\r\n\r\n")) $head .= $c->recv();
        $login = preg_match('~Proxy-Authorization: Basic (\S+)~', $head, $m) ? base64_decode($m[1]) : '';
        $c->sendAll("HTTP/1.1 200 Connection established\r\nVia: x\r\n\r\n");
        echo "proxy login $login\n";
        preg_match('~^CONNECT ([^:]+):(\d+)~', $head, $m);
        return [$m[1], (int) $m[2]];
    });
    foreach ([['socks5_host' => '127.0.0.1', 'socks5_port' => $socks, 'socks5_username' => 'me', 'socks5_password' => 'key'], ['http_proxy_host' => '127.0.0.1', 'http_proxy_port' => $http, 'http_proxy_user' => 'me', 'http_proxy_password' => 'key']] as $by) {
        $c = new Client(SWOOLE_SOCK_TCP);
        $c->set($framing + $by);
        var_dump($c->connect('127.0.0.1', $server->port, 2));
        $c->send(pack('n', 7) . 'through');
        var_dump(substr($c->recv(1), 2));
        $c->close();
    }

    $client->send(pack('n', 3) . 'end');
    var_dump(substr($client->recv(1), 2), $client->close(), $client->isConnected(), @$client->close());
    $refused = new Client(SWOOLE_SOCK_TCP);
    $free = new Socket(AF_INET, SOCK_STREAM, 0); $free->bind('127.0.0.1');
    var_dump(@$refused->connect('127.0.0.1', $free->getsockname()['port'], 1), $refused->errCode === SOCKET_ECONNREFUSED);

    $udp = new Socket(AF_INET, SOCK_DGRAM, 0); $udp->bind('127.0.0.1');
    go(function () use ($udp) { while (($d = $udp->recvfrom($peer, 1)) && $d !== 'end') $udp->sendto($peer['address'], $peer['port'], "udp $d"); });
    $c = new Client(SWOOLE_SOCK_UDP);
    var_dump($c->connect('127.0.0.1', $udp->getsockname()['port']), $c->send('a'), $c->recv(1));
    $d = new Client(SWOOLE_SOCK_UDP);
    var_dump($d->sendto('127.0.0.1', $udp->getsockname()['port'], 'b'), $d->recvfrom(100, $address, $port), $address, $port === $udp->getsockname()['port']);
    $c->send('end');

    $path = tempnam(sys_get_temp_dir(), 'co'); unlink($path);
    $unix = new Server("unix:$path");
    $unix->handle(function ($connection) use ($unix) { $connection->send('unix ' . $connection->recv()); $connection->close(); $unix->shutdown(); });
    go(fn () => $unix->start());
    $c = new Client(SWOOLE_SOCK_UNIX_STREAM);
    var_dump($c->connect($path), $c->send('x'), $c->recv(1), $c->recv(1));
    unlink($path);
    try { new Server('127.0.0.1', 99999); } catch (Swoole\Exception $e) { echo get_class($e), ' ', $e->getCode(), "\n"; }
});
?>
--EXPECT--
start gave bool(false)
bool(true)
bool(true)
bool(true)
bool(true)
string(4) "<one"
string(4) "<two"
bool(false)
bool(true)
string(5) "<slow"
bool(true)
bool(true)
bool(true)
string(8) "<through"
proxy login me:key
bool(true)
string(8) "<through"
true
string(4) "<end"
bool(true)
bool(false)
bool(false)
bool(false)
bool(true)
bool(true)
int(1)
string(5) "udp a"
bool(true)
string(5) "udp b"
string(9) "127.0.0.1"
bool(true)
bool(true)
int(1)
string(6) "unix x"
string(0) ""
Swoole\Exception 22
