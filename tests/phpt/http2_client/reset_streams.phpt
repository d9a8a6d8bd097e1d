--TEST--
A stream that the server resets, or that is given up, fails its request of the HTTP client alone: its connection is used for the next one
--EXTENSIONS--
swoole
openssl
--FILE--
<?php
require __DIR__ . '/../inc/tls.inc';
use Swoole\Coroutine as Co;
use Swoole\Coroutine\Http\Client;
$authority = new Authority();
Co\run(function () use ($authority) {
    $listener = new Co\Socket(AF_INET, SOCK_STREAM);
    $listener->setProtocol(['open_ssl' => true, 'open_http2_protocol' => true] + $authority->pair());
    $listener->bind('127.0.0.1', 0);
    $listener->listen();
    $connections = 0;
    Co::create(function () use ($listener, &$connections) {
        while ($socket = $listener->accept()) {
            $connections++;
            Co::create(function () use ($socket) {
                $socket->sslHandshake();
                $connection = new Swoosh\Http2\ServerConnection($socket);
                $waiting = [];
                while ($stream = $connection->accept()) {
                    match ($stream->path) {
                        '/reset' => $stream->reset(2),
                        '/half' => $stream->sendHead(200) && $stream->write('half') && $stream->reset(11),
                        '/silent' => $waiting[] = $stream,
                        '/refused' => $stream->reset(7),
                        default => $stream->sendHead(200) && $stream->write($stream->path) && $stream->end(),
                    };
                }
            });
        }
    });
    $client = new Client('127.0.0.1', $listener->getsockname()['port'], true);
    $client->set(['open_http2_protocol' => true, 'timeout' => 20]);
    $show = fn (string $path) => printf("%s: %s\n", $path, json_encode([$client->get($path), $client->statusCode, $client->errCode, $client->errMsg, $client->connected]));
    foreach (['/one', '/reset', '/two', '/half', '/refused', '/three'] as $path) {
        $show($path);
    }
    $client->set(['timeout' => 0.05]);
    $show('/silent');
    $client->set(['timeout' => 20]);
    $show('/four');
    // Requests whose responses were not received yet are not lost either.
    $client->setDefer();
    foreach (['/five', '/reset', '/six'] as $path) {
        $client->get($path);
    }
    for ($i = 0; $i < 3; $i++) {
        echo json_encode([$client->recv(), $client->statusCode, $client->body]), "\n";
    }
    echo "connections: $connections\n";
    $client->close();
    $listener->cancel();
    $listener->close();
});
?>
--EXPECT--
/one: [true,200,0,"",true]
/reset: [false,-3,104,"the server has reset the stream: INTERNAL_ERROR, unexpected internal error encountered",true]
/two: [true,200,0,"",true]
/half: [false,-3,104,"the server has reset the stream: ENHANCE_YOUR_CALM, detected excessive load generating behavior",true]
/refused: [false,-3,104,"the server has reset the stream: REFUSED_STREAM, refused stream before processing any application logic",true]
/three: [true,200,0,"",true]
/silent: [false,-2,110,"Connection timed out",true]
/four: [true,200,0,"",true]
[true,200,"\/five"]
[false,-3,""]
[true,200,"\/six"]
connections: 1
