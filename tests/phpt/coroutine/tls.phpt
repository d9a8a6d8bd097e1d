--TEST--
TLS in coroutines works for servers and clients, verified or not, upgraded midway, cancelled and timed out
--EXTENSIONS--
swoole
pcntl
posix
openssl
--FILE--
<?php
require __DIR__ . '/../inc/server.inc';
require __DIR__ . '/../inc/tls.inc';
use Swoole\Coroutine\{Client, Server, Socket};
use function Swoole\Coroutine\run;

$authority = new Authority();
$authority->selfSign('alone', 'localhost');
$authority->certify('client', 'client');
file_put_contents($authority->file('text'), str_repeat('0123456789', 50000));
$ca = ['ssl_verify_peer' => true, 'ssl_cafile' => $authority->file('ca.pem')];

/** A listening socket with these settings; each of its connections is handled in its own coroutine. */
function listening(array $settings, callable $handle): Socket
{
    $socket = new Socket(AF_INET, SOCK_STREAM, 0);
    $socket->bind('127.0.0.1');
    var_dump($socket->setProtocol(['open_ssl' => true] + $settings) && $socket->listen());
    go(function () use ($socket, $handle) {
        while ($conn = $socket->accept()) {
            go($handle, $conn);
        }
    });
    return $socket;
}

run(function () use ($authority, $ca) {
    echo "-- server and client\n";
    $server = new Server('127.0.0.1', 0, true);
    $server->set($authority->pair() + ['open_length_check' => true, 'package_length_type' => 'N', 'package_body_offset' => 4, 'package_max_length' => 4 << 20]);
    $server->handle(function ($conn) {
        while (($packet = $conn->recv()) !== '' && $packet !== false) {
            $conn->send($packet);
        }
        $conn->close();
    });
    go(fn () => $server->start());
    $client = new Client(SWOOLE_SOCK_TCP | SWOOLE_SSL);
    $client->set($ca + ['ssl_host_name' => 'localhost', 'open_length_check' => true, 'package_length_type' => 'N', 'package_body_offset' => 4, 'package_max_length' => 4 << 20]);
    var_dump($client->connect('127.0.0.1', $server->port));
    foreach ([0, 1, 16384, 2_000_000] as $length) {
        $packet = pack('N', $length) . str_repeat('x', $length);
        // Neither side reads before it has written: one of them has to wait for buffer space.
        go(fn () => $client->send($packet));
        echo "$length: ", var_export($client->recv(10) === $packet, true), "\n";
    }
    echo openssl_x509_parse($client->getPeerCert())['subject']['CN'], "\n";
    var_dump($client->verifyPeerCert(), $client->recv(0.02), $client->errCode === SOCKET_ETIMEDOUT);
    $others = [];
    for ($n = 0; $n < 5; $n++) {
        $others[] = go(function () use ($server, $ca, $n) {
            $client = new Client(SWOOLE_SOCK_TCP | SWOOLE_SSL);
            $client->set($ca + ['ssl_host_name' => 'localhost']);
            $client->connect('127.0.0.1', $server->port);
            $client->send(pack('N', 1) . $n);
            echo $client->recv(5) === pack('N', 1) . $n ? '' : "another answer\n";
        });
    }
    Swoole\Coroutine::join($others);
    var_dump($client->close());

    echo "-- who is not good enough\n";
    foreach (['unknown issuer' => ['ssl_verify_peer' => true, 'ssl_cafile' => $authority->file('alone.pem')], 'another name' => $ca + ['ssl_host_name' => 'other.example'], 'no such file' => ['ssl_verify_peer' => true, 'ssl_cafile' => '/no/such/file']] as $why => $settings) {
        $client = new Client(SWOOLE_SOCK_TCP | SWOOLE_SSL);
        $client->set($settings);
        ob_start();
        $connected = $client->connect('127.0.0.1', $server->port);
        $warning = strstr(strstr(ob_get_clean(), 'read the certificates'), ' in ', true);
        echo "$why: ", var_export($connected, true), " $client->errCode ", $client->isConnected() ? 'connected' : 'not connected', " $client->errMsg $warning\n";
    }
    $client = new Client(SWOOLE_SOCK_TCP | SWOOLE_SSL);
    var_dump($client->connect('127.0.0.1', $server->port), $client->verifyPeerCert(), $client->errCode);
    $client = new Client(SWOOLE_SOCK_TCP);
    var_dump($client->connect('127.0.0.1', $server->port), $client->getPeerCert(), $client->errCode);
    $server->shutdown();

    echo "-- sockets\n";
    $listening = listening($authority->pair('alone') + ['ssl_verify_peer' => true, 'ssl_client_cert_file' => $authority->file('ca.pem')], function (Socket $conn) use ($authority) {
        if (!$conn->sslHandshake()) {
            echo "the server: ", str_contains($conn->errMsg, 'peer has sent no certificate') ? 'no certificate' : $conn->errMsg, "\n";
            return;
        }
        echo 'asked: ', $conn->recvLine();
        $conn->sendAll("first line\nsecond line\n");
        $conn->sendFile($authority->file('text'), 10, 400000);
        $conn->close();
    });
    $port = $listening->getsockname()['port'];
    $socket = new Socket(AF_INET, SOCK_STREAM, 0);
    $socket->setProtocol(['open_ssl' => true, 'ssl_verify_peer' => true, 'ssl_allow_self_signed' => true] + $authority->pair('client'));
    var_dump($socket->connect('127.0.0.1', $port), $socket->checkLiveness(), $socket->sendAll("hello\n"));
    echo $socket->recv(4, 5), ' ', $socket->peek(4), ' ', $socket->recv(3), $socket->recvLine(), $socket->recvLine();
    echo md5($socket->recvAll(400000)) === md5(substr(file_get_contents($authority->file('text')), 10, 400000)) ? 'file' : 'no file', "\n";
    var_dump($socket->recv(), $socket->errCode, $socket->checkLiveness());
    $socket = new Socket(AF_INET, SOCK_STREAM, 0);
    $socket->setProtocol(['open_ssl' => true]);
    $socket->connect('127.0.0.1', $port);
    var_dump($socket->recv(10, 5));
    $listening->close();

    echo "-- turned to in the middle, and not at all\n";
    $listening = listening($authority->pair(), function (Socket $conn) {
        var_dump($conn->recv());
    });
    $plain = new Socket(AF_INET, SOCK_STREAM, 0);
    $plain->bind('127.0.0.1');
    $plain->listen();
    go(function () use ($plain, $authority) {
        $conn = $plain->accept();
        echo $conn->recvLine();
        $conn->sendAll("go on\n");
        $conn->setProtocol(['open_ssl' => true] + $authority->pair());
        var_dump($conn->sslHandshake());
        $conn->sendAll('sealed: ' . $conn->recv());
        // The server sends nothing more: the next client's handshake times out.
        $conn = $plain->accept();
        $conn->recv();
        Swoole\Coroutine::sleep(1);
    });
    $client = new Client(SWOOLE_SOCK_TCP);
    $client->set($ca + ['ssl_host_name' => 'localhost']);
    $client->connect('127.0.0.1', $plain->getsockname()['port']);
    $client->send("STARTTLS\n");
    echo $client->recv();
    var_dump($client->enableSSL(), $client->send('hello'), $client->recv(), $client->enableSSL());
    $client = new Client(SWOOLE_SOCK_TCP | SWOOLE_SSL);
    var_dump($client->connect('127.0.0.1', $plain->getsockname()['port'], 0.05), $client->errCode === SOCKET_ETIMEDOUT);
    // A plaintext client of a TLS server is refused at its first byte.
    $client = new Client(SWOOLE_SOCK_TCP);
    $client->connect('127.0.0.1', $listening->getsockname()['port']);
    $client->send("GET / HTTP/1.0\r\n\r\n");
    $answer = $client->recv(5);
    echo 'refused: ', var_export($answer === '' || bin2hex($answer[0]) === '15', true), "\n";
    $listening->close();
    $plain->close();
    var_dump((new Socket(AF_INET, SOCK_STREAM, 0))->sslHandshake());
});
?>
--EXPECTF--
-- server and client
bool(true)
0: true
1: true
16384: true
2000000: true
localhost
bool(true)
bool(false)
bool(true)
bool(true)
-- who is not good enough
unknown issuer: false 1014 not connected the certificate of the peer is refused: its issuer is not trusted 
another name: false 1014 not connected the certificate of the peer is refused: it is for localhost, not for other.example 
no such file: false 1019 not connected there is no TLS read the certificates of /no/such/file: No such file or directory (os error 2)
bool(true)
bool(false)
int(1014)
bool(true)
bool(false)
int(1011)
-- sockets
bool(true)
bool(true)
bool(true)
int(6)
asked: hello
firs t li t line
second line
file
string(0) ""
int(0)
bool(false)
the server: no certificate
bool(false)
-- turned to in the middle, and not at all
bool(true)
STARTTLS
go on
bool(true)
bool(true)
int(5)
string(13) "sealed: hello"
bool(false)
bool(false)
bool(true)
bool(false)
refused: true

Warning: Swoole\Coroutine\Socket::sslHandshake(): TLS is not enabled: call setProtocol(['open_ssl' => true, ...]) in %s on line %d
bool(false)
