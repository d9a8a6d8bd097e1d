--TEST--
HTTP/2 and gRPC clients fail a connection whose peer does not answer PINGs, and keep one whose peer does
--EXTENSIONS--
swoole
pcntl
--FILE--
<?php
require __DIR__ . '/../inc/http2_peer.inc';
use Swoole\Coroutine as Co;
use Swoole\Http2\Request;
use Swoosh\Grpc\{Exception, Server, Status};

// A peer that reads nothing after the first request.
$port = http2_peer([['', false], ['', false], ['', false], [http2_frame(1, 5, 1, "\x88"), false], ['', false]]);
$keepalive = ['keepalive_time' => 0.05, 'keepalive_timeout' => 0.05];
$shown = fn (string $text) => str_replace("127.0.0.1:$port", 'SERVER', $text);
Co\run(function () use ($port, $keepalive, $shown) {
    echo "-- silent peers\n";
    $client = new Co\Http2\Client('127.0.0.1', $port);
    var_dump($client->set(['timeout' => -1] + $keepalive), $client->connect(), $client->send(new Request()));
    // Each coroutine that waits gets the error.
    foreach ([1, 2] as $n) {
        Co::create(function () use ($client, $shown, $n) {
            $received = $client->recv();
            echo "$n: ", var_export($received, true), ' ', $client->errCode === SOCKET_ECONNABORTED ? 'ECONNABORTED' : $client->errCode, ' ', $shown($client->errMsg), "\n";
        });
    }
    while ($client->connected) {
        Co::sleep(0.01);
    }
    var_dump($client->ping(), $client->connect());
    $client->close();

    echo "-- gRPC\n";
    $grpc = new Swoosh\Grpc\Client('127.0.0.1', $port, $keepalive);
    try {
        $grpc->unary('/a.B/C', 'x');
    } catch (Exception $e) {
        echo Status::nameOf($e->getCode()), ' ', $shown($e->getMessage()), "\n";
    }

    echo "-- without open requests\n";
    foreach ([false, true] as $always) {
        $client = new Co\Http2\Client('127.0.0.1', $port);
        $client->set(['timeout' => -1, 'keepalive_without_calls' => $always] + $keepalive);
        $client->connect();
        $client->send(new Request());
        if (!$always) {
            echo 'status ', $client->recv()->statusCode, "\n";
            Co::sleep(0.3);
            echo $client->ping() ? "kept\n" : "failed\n";
        } else {
            var_dump($client->recv());
        }
        $client->close();
    }

    echo "-- a peer that answers\n";
    $server = new Server('127.0.0.1', 0);
    $server->unary('/a.B/Slow', function (string $message) {
        Co::sleep(0.5);
        return $message;
    });
    Co::create($server->start(...));
    $grpc = new Swoosh\Grpc\Client('127.0.0.1', $server->port, ['keepalive_time' => 0.03, 'keepalive_timeout' => 5, 'keepalive_without_calls' => true]);
    echo $grpc->unary('/a.B/Slow', 'answered'), "\n";
    Co::sleep(0.2);
    echo $grpc->unary('/a.B/Slow', 'answered on a connection that was idle'), "\n";

    echo "-- a thread that was busy\n";
    $grpc = new Swoosh\Grpc\Client('127.0.0.1', $server->port, ['keepalive_time' => 0.03, 'keepalive_timeout' => 0.1]);
    Co::create(function () {
        Co::sleep(0.06);
        usleep(400_000);
    });
    Swoole\Runtime::enableCoroutine(0);
    echo $grpc->unary('/a.B/Slow', 'answered'), "\n";
    $grpc->close();
    $server->shutdown();
});
foreach ([['keepalive_time' => -1], ['keepalive_timeout' => 'soon'], ['keepalive_tme' => 3]] as $settings) {
    set_error_handler(function (int $level, string $text) { echo $text, "\n"; return true; });
    (new Co\Http2\Client('127.0.0.1'))->set($settings);
}
?>
--EXPECTF--
-- silent peers
bool(true)
bool(true)
int(1)
1: false ECONNABORTED the connection to SERVER is lost: no answer to a PING within 0.05 s
2: false ECONNABORTED the connection to SERVER is lost: no answer to a PING within 0.05 s
bool(false)
bool(true)
-- gRPC
UNAVAILABLE the connection to SERVER is lost: no answer to a PING within 0.05 s
-- without open requests
status 200
kept
bool(false)
-- a peer that answers
answered
answered on a connection that was idle
-- a thread that was busy
answered
%Akeepalive_time%A
%Akeepalive_timeout%A
%Akeepalive_tme%A
