--TEST--
Errors of HTTP/2 and gRPC clients name the operation, the server and the cause
--EXTENSIONS--
swoole
--FILE--
<?php
use Swoole\Coroutine as Co;
use Swoole\Coroutine\Http2\Client;
Co\run(function () {
    $server = new Co\Socket(AF_INET, SOCK_STREAM);
    $server->bind('127.0.0.1', 0);
    $server->listen();
    $port = $server->getsockname()['port'];
    $reply = '';
    Co::create(function () use ($server, &$reply) {
        while ($peer = $server->accept()) {
            Co::create(function () use ($peer, &$reply) {
                $peer->recv();
                $peer->send($reply);
                $peer->recv();
                $peer->close();
            });
        }
    });
    $try = function (string $name, string $host, int $port, bool $ssl = false) {
        $client = new Client($host, $port, $ssl);
        $client->set(['timeout' => 20]);
        $client->connect() && $client->send(new Swoole\Http2\Request()) && $client->recv();
        $shown = fn (string $text) => preg_replace('/127\.0\.0\.1:[0-9]+/', 'SERVER', $text);
        echo "$name: $client->errCode ", $shown($client->errMsg), "\n";
        try {
            (new Swoosh\Grpc\Client($host, $port, ['ssl' => $ssl, 'timeout' => 20]))->unary('/a.B/C', '');
        } catch (Swoosh\Grpc\Exception $e) {
            echo '  ', Swoosh\Grpc\Status::nameOf($e->getCode()), ' ', $shown($e->getMessage()), "\n";
        }
    };
    $try('unknown host', 'no.such.host.invalid', 80);
    $free = new Co\Socket(AF_INET, SOCK_STREAM);
    $free->bind('127.0.0.1', 0);
    $try('refused', '127.0.0.1', $free->getsockname()['port']);
    $try('no port', 'a.test', 0);
    $try('no such path', 'unix:/no/such.sock', 0);
    $reply = "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n";
    $try('HTTP/1', '127.0.0.1', $port);
    $try('no TLS', '127.0.0.1', $port, true);
    $reply = "+PONG\r\n+PONG\r\n";
    $try('Redis', '127.0.0.1', $port);
    $reply = "\0\0\0\4\0\0\0\0\0" . "\0\0\x11\7\0\0\0\0\0" . pack('NN', 0, 11) . 'calm down';
    $try('GOAWAY', '127.0.0.1', $port);
    $reply = "\0\0\0\4\0\0\0\0\0" . "\0\0\1\1\5\0\0\0\1\xff";
    $try('broken fields', '127.0.0.1', $port);
    $server->cancel();
});
?>
--EXPECT--
unknown host: 711 connect no.such.host.invalid:80: DNS Lookup resolve failed
  UNAVAILABLE connect no.such.host.invalid:80: DNS Lookup resolve failed
refused: 111 connect SERVER: Connection refused
  UNAVAILABLE connect SERVER: Connection refused
no port: 22 connect a.test:0: the port is not one from 1 to 65535
  UNAVAILABLE connect a.test:0: the port is not one from 1 to 65535
no such path: 2 connect unix:/no/such.sock: No such file or directory
  UNAVAILABLE connect unix:/no/such.sock: No such file or directory
HTTP/1: 93 SERVER speaks HTTP/1, not HTTP/2
  UNAVAILABLE SERVER speaks HTTP/1, not HTTP/2
no TLS: 1018 TLS handshake with SERVER: the peer does not speak TLS, or its message is malformed
  UNAVAILABLE TLS handshake with SERVER: the peer does not speak TLS, or its message is malformed
Redis: 93 SERVER does not speak HTTP/2: its first frame is not SETTINGS
  UNAVAILABLE SERVER does not speak HTTP/2: its first frame is not SETTINGS
GOAWAY: 11 SERVER has ended the connection: ENHANCE_YOUR_CALM, detected excessive load generating behavior (calm down)
  UNAVAILABLE SERVER has ended the connection: ENHANCE_YOUR_CALM, detected excessive load generating behavior (calm down)
broken fields: 1 SERVER violates HTTP/2: PROTOCOL_ERROR, unspecific protocol error detected
  UNAVAILABLE SERVER violates HTTP/2: PROTOCOL_ERROR, unspecific protocol error detected
