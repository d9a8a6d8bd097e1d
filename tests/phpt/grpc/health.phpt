--TEST--
A gRPC server answers health checks: of the server, of services, of unknown ones, and malformed requests
--EXTENSIONS--
swoole
--FILE--
<?php
use Swoosh\Grpc\{Client, Exception, Health, Server, Status};
Co\run(function () {
    $server = new Server('127.0.0.1', 0);
    $health = new Health($server);
    $health->set('shop.Orders', Health::NOT_SERVING);
    Co::create($server->start(...));
    $client = new Client('127.0.0.1', $server->port, ['timeout' => 20]);
    $check = function (string $name, string $request) use ($client) {
        try {
            $reply = bin2hex($client->unary('/grpc.health.v1.Health/Check', $request));
            echo "$name: $reply\n";
        } catch (Exception $e) {
            echo "$name: ", Status::nameOf($e->getCode()), " {$e->getMessage()}\n";
        }
    };
    $named = fn (string $service) => "\x0a" . chr(strlen($service)) . $service;
    $check('the server', '');
    $check('the server by its empty name', $named(''));
    $check('a service', $named('shop.Orders'));
    $health->set('shop.Orders', Health::SERVING);
    $health->set('', Health::NOT_SERVING);
    $check('a service later', $named('shop.Orders'));
    $check('the server later', '');
    $check('behind fields that are not known', "\x10\x96\x01\x1a\x02xx\x25abcd\x29abcdefgh" . $named('shop.Orders'));
    $check('unknown', $named('shop.Carts'));
    foreach (["\x0a", "\x0a\x05abc", "\x0b", str_repeat("\xff", 12), "\x21abc"] as $n => $malformed) {
        $check("malformed $n", $malformed);
    }
    try {
        $health->set('x', 7);
    } catch (InvalidArgumentException $e) {
        echo $e->getMessage(), "\n";
    }
    $call = $client->serverStream('/grpc.health.v1.Health/Watch', '');
    echo 'Watch: ', Status::nameOf($call->status()->code), "\n";
    $client->close();
    $server->shutdown();
});
?>
--EXPECT--
the server: 0801
the server by its empty name: 0801
a service: 0802
a service later: 0801
the server later: 0802
behind fields that are not known: 0801
unknown: NOT_FOUND the service 'shop.Carts' is not known
malformed 0: INVALID_ARGUMENT the request is no HealthCheckRequest
malformed 1: INVALID_ARGUMENT the request is no HealthCheckRequest
malformed 2: INVALID_ARGUMENT the request is no HealthCheckRequest
malformed 3: INVALID_ARGUMENT the request is no HealthCheckRequest
malformed 4: INVALID_ARGUMENT the request is no HealthCheckRequest
7 is not a status of a service: Health::SERVING or Health::NOT_SERVING
Watch: UNIMPLEMENTED
