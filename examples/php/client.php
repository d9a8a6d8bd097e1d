<?php
// A blocking client of tcp_server.php, or of any server that answers lines: no coroutine, no event loop.
//
//     php -d extension=target/release/libswoosh_php.so examples/php/client.php [PORT]
$port = (int) ($argv[1] ?? $_SERVER['SWOOSH_PORT'] ?? 9501);
$client = new Swoole\Client(SWOOLE_SOCK_TCP);
$client->set(['open_eof_split' => true, 'package_eof' => "\n", 'package_max_length' => 65536]);
if (!@$client->connect('127.0.0.1', $port, 1)) {
    exit("connect: $client->errCode " . swoole_strerror($client->errCode) . "\n");
}
foreach (['one', 'two', 'three'] as $word) {
    $client->send("$word\n");
    echo $client->recv();
}
// Several at once: wait until one of them has something to read.
$clients = [];
for ($i = 0; $i < 3; $i++) {
    $clients[$i] = new Swoole\Client(SWOOLE_SOCK_TCP);
    $clients[$i]->connect('127.0.0.1', $port, 1);
    $clients[$i]->send("client $i\n");
}
while ($clients) {
    [$read, $write, $error] = [$clients, [], []];
    if (!swoole_client_select($read, $write, $error, 1)) {
        exit("nothing came within a second\n");
    }
    foreach ($read as $i => $ready) {
        $answers[$i] = $ready->recv();
        unset($clients[$i]);
    }
}
ksort($answers);
echo implode($answers);
