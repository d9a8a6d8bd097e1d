<?php
// An asynchronous client with callbacks. It connects again when the server has closed the connection, three times.
//
//     php -d extension=target/release/libswoosh_php.so examples/php/client_async.php [PORT]
use Swoole\Async\Client;
use Swoole\Timer;

$port = (int) ($argv[1] ?? $_SERVER['SWOOSH_PORT'] ?? 9501);
$client = new Client(SWOOLE_SOCK_TCP);
$client->set(['open_eof_split' => true, 'package_eof' => "\n"]);
$times = 0;
$client->on('connect', function (Client $client) use (&$times) {
    echo 'connected for the ', ++$times, ". time\n";
    $client->send("hello\n");
    $client->send("bye\n");
});
$client->on('receive', function (Client $client, string $line) {
    echo "received $line";
    if ($line === "bye\n") {
        $client->close();
    }
});
$client->on('error', fn (Client $client) => print("connect: $client->errCode " . swoole_strerror($client->errCode) . "\n"));
$client->on('close', function (Client $client) use ($port, &$times) {
    echo "closed\n";
    if ($times < 3) {
        Timer::after(10, fn () => $client->connect('127.0.0.1', $port, 1));
    }
});
$client->connect('127.0.0.1', $port, 1);
Swoole\Event::wait();
