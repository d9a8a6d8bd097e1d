--TEST--
A gRPC server answers health checks, sends changes to clients that watch, and ends their calls at shutdown
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
    foreach (['shop.Orders', 'shop.Carts', ''] as $service) {
        $calls[$service] = $client->serverStream('/grpc.health.v1.Health/Watch', $named($service), null, [], 0.0);
        echo "watch '$service': ", bin2hex($calls[$service]->read()), "\n";
    }
    $health->set('shop.Orders', Health::SERVING);
    $health->set('shop.Orders', Health::NOT_SERVING);
    echo 'changed: ', bin2hex($calls['shop.Orders']->read()), "\n";
    $health->set('shop.Carts', Health::SERVING);
    echo 'known now: ', bin2hex($calls['shop.Carts']->read()), "\n";
    $late = $client->serverStream('/grpc.health.v1.Health/Watch', '', null, [], 0.1);
    echo 'deadline: ', bin2hex($late->read()), ' ', Status::nameOf($late->status()->code), "\n";
    $calls['shop.Orders']->cancel();
    $watchers = fn () => count((fn () => $this->watchers)->call($health));
    while ($watchers() > 2) {
        Co::sleep(0.01);
    }
    echo "a client that leaves is forgotten\n";
    $check('malformed', "\x0a");
    $server->shutdown();
    $health->set('shop.Carts', Health::SERVING);
    foreach (['shop.Carts', ''] as $service) {
        for ($statuses = []; count($statuses) < 5; $statuses[] = bin2hex($message)) {
            try {
                $message = $calls[$service]->read();
            } catch (Exception) {
                break;
            }
        }
        $status = $calls[$service]->status();
        echo "shutdown '$service': ", implode(',', $statuses), ' ', Status::nameOf($status->code), " $status->details\n";
    }
    echo 'watchers: ', $watchers(), "\n";
    $client->close();
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
watch 'shop.Orders': 0801
watch 'shop.Carts': 0803
watch '': 0802
changed: 0802
known now: 0801
deadline: 0802 DEADLINE_EXCEEDED
a client that leaves is forgotten
malformed: INVALID_ARGUMENT the request is no HealthCheckRequest
shutdown 'shop.Carts': 0802 UNAVAILABLE the server is shutting down
shutdown '':  UNAVAILABLE the server is shutting down
watchers: 0
