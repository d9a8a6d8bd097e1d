--TEST--
The gRPC server answers malformed calls with a status, goes on after clients that go away, and ends in order
--EXTENSIONS--
swoole
pcntl
--FILE--
<?php
require __DIR__ . '/../inc/grpc_service.inc';
use Swoole\Coroutine as Co;
use Swoole\Http2\Request;
use Swoosh\Grpc\{Client, Exception, Messages, Server, Status};
use Swoosh\Http2\Client as Http2;
Co::set(['hook_flags' => SWOOLE_HOOK_ALL, 'log_level' => SWOOLE_LOG_WARNING]);
Co\run(function () {
    $server = new Server('127.0.0.1', 0, ['max_message_length' => 1000, 'idle_timeout' => 0.2]);
    test_service($server)->unary('/test.Service/Wait', function () { Co::sleep(0.1); return 'waited'; });
    $serving = Co::create($server->start(...));
    $http2 = new Http2('127.0.0.1', $server->port);
    $http2->set(['timeout' => 20]);
    $http2->connect();
    $head = ['content-type' => 'application/grpc', 'te' => 'trailers'];
    $ask = function (array $headers, string $body, string $path = '/test.Service/Unary', string $method = 'POST') use ($http2): array {
        $r = new Request();
        [$r->method, $r->path, $r->headers, $r->data, $r->usePipelineRead] = [$method, $path, $headers, $body, true];
        $id = $http2->send($r);
        $fields = [];
        do {
            $part = $http2->recvStream($id);
            $fields += ['http' => $part->statusCode] + $part->headers + $part->trailers;
        } while ($part->pipeline);
        return $fields;
    };
    $good = Messages::frame('good');
    $cases = [
        'good' => [$head, $good],
        'a codec' => [['content-type' => 'application/grpc+proto'] + $head, $good],
        'another type' => [['content-type' => 'application/json'], $good],
        'gRPC-Web' => [['content-type' => 'application/grpc-web'], $good],
        'no type' => [[], $good],
        'GET' => [$head, '', '/test.Service/Unary', 'GET'],
        'no such path' => [$head, $good, '/test.Service'],
        'no message' => [$head, ''],
        'two messages' => [$head, $good . $good],
        'cut message' => [$head, substr($good, 0, -1)],
        'bad flag' => [$head, "\x02" . substr($good, 1)],
        'too long' => [$head, Messages::frame(str_repeat('x', 1001))],
        'a bomb' => [['grpc-encoding' => 'gzip'] + $head, Messages::frame(str_repeat('x', 100000), 'gzip')],
        'compressed without an encoding' => [$head, Messages::frame('good', 'gzip')],
        'unknown encoding' => [['grpc-encoding' => 'snappy'] + $head, $good],
        'malformed timeout' => [['grpc-timeout' => '10x'] + $head, $good],
        'timeout of nothing' => [['grpc-timeout' => '1n'] + $head, $good, '/test.Service/Slow'],
    ];
    foreach ($cases as $name => $case) {
        $fields = $ask(...$case);
        echo "$name: {$fields['http']} ", isset($fields['grpc-status']) ? Status::nameOf((int) $fields['grpc-status']) : '-', ' ', $fields['grpc-message'] ?? '', "\n";
    }
    echo 'accepted by the server: ', $ask(['grpc-encoding' => 'snappy'] + $head, $good)['grpc-accept-encoding'], "\n";

    // Clients that are gone in the middle of a message, before and after their first request, or speak no HTTP/2.
    $open = new Request();
    [$open->method, $open->path, $open->headers, $open->data, $open->pipeline] = ['POST', '/test.Service/Join', $head, substr($good, 0, 3), true];
    $gone = new Http2('127.0.0.1', $server->port);
    $gone->connect();
    $gone->send($open);
    $gone->close();
    foreach (['', 'GET / HTTP/1.1' . "\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" . str_repeat("\xff", 100)] as $bytes) {
        $raw = stream_socket_client("tcp://127.0.0.1:$server->port");
        fwrite($raw, $bytes);
        $bytes === '' || stream_get_contents($raw);
        fclose($raw);
    }
    $client = new Client('127.0.0.1', $server->port, ['timeout' => 20]);
    echo 'still there: ', $client->unary('/test.Service/Unary', 'yes'), "\n";

    // A client that does not read does not hold its handler beyond the deadline.
    $silent = new Http2('127.0.0.1', $server->port);
    $silent->connect();
    $r = new Request();
    [$r->method, $r->path, $r->headers, $r->data, $r->usePipelineRead] = ['POST', '/test.Service/Endless', ['grpc-timeout' => '100m'] + $head, Messages::frame(str_repeat('x', 900)), true];
    $silent->send($r);
    for ($i = 0; $i < 500 && ($ended = $client->unary('/test.Service/EndlessEnded', '')) === ''; $i++) Co::sleep(0.01);
    echo "not reading: $ended\n";
    $silent->close();

    // The idle connection is closed; the next call makes another.
    for ($i = 0; $i < 1000 && $http2->ping(); $i++) Co::sleep(0.01);
    echo 'idle connection closed: ', json_encode($http2->ping()), ' ', $client->unary('/test.Service/Unary', 'again'), "\n";

    // Calls that are open at the shutdown are completed; then no server is there.
    $wait = Co::create(function () use ($client) { echo 'open at the shutdown: ', $r = $client->unary('/test.Service/Wait', ''), "\n"; });
    Co::sleep(0.03);
    $server->shutdown();
    Co::join([$wait, $serving]);
    try {
        $client->unary('/test.Service/Unary', 'x');
    } catch (Exception $e) {
        echo Status::nameOf($e->getCode()), "\n";
    }
    var_dump(Co::exists($serving));
    try {
        $server->unary('no path', fn () => '');
    } catch (InvalidArgumentException $e) {
        echo $e->getMessage(), "\n";
    }
});
// Outside coroutines, too.
foreach ([['300.1.1.1', []], ['some.name', []], ['localhost', ['max_message_length' => -5]], ['localhost', ['max_message_length' => 'x']], ['localhost', ['max_message_length' => 10]]] as [$host, $settings]) {
    try {
        $server = new Swoosh\Grpc\Server($host, 0, $settings);
        echo $host, ' listens: ', json_encode($server->port > 0), "\n";
    } catch (InvalidArgumentException $e) {
        echo $e->getMessage(), "\n";
    }
}
--EXPECT--
good: 200 OK 
a codec: 200 OK 
another type: 415 - 
gRPC-Web: 415 - 
no type: 415 - 
GET: 405 - 
no such path: 200 UNIMPLEMENTED there is no method /test.Service
no message: 200 INTERNAL there is no message
two messages: 200 INTERNAL there is more than one message
cut message: 200 INTERNAL the last message is incomplete
bad flag: 200 INTERNAL a message begins with byte 2
too long: 200 RESOURCE_EXHAUSTED a message has 1001 bytes, more than 1000
a bomb: 200 RESOURCE_EXHAUSTED a message has more than 1000 bytes without its compression
compressed without an encoding: 200 INTERNAL a compressed message, but the encoding is identity
unknown encoding: 200 UNIMPLEMENTED messages are compressed as 'snappy', which is not known
malformed timeout: 200 INTERNAL grpc-timeout is malformed
timeout of nothing: 200 DEADLINE_EXCEEDED the deadline has passed
accepted by the server: identity,gzip,deflate
still there: yes
not reading: DEADLINE_EXCEEDED after some
idle connection closed: false again
open at the shutdown: waited
UNAVAILABLE
bool(false)
'no path' is not the path of a method: /package.Service/Method
cannot listen on '300.1.1.1': it is not an IP address
cannot listen on 'some.name': it is not an IP address
setting max_message_length: -5 is refused: a whole number from 1 to 4294967295 (bytes)
setting max_message_length: "x" is refused: a whole number from 1 to 4294967295 (bytes)
localhost listens: true
