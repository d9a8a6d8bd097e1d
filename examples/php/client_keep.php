<?php
// Connections that outlive the objects that made them (SWOOLE_KEEP): a hundred clients one after the other, one connection.
//
//     php -d extension=target/release/libswoosh_php.so examples/php/client_keep.php [PORT]
$port = (int) ($argv[1] ?? $_SERVER['SWOOSH_PORT'] ?? 9501);
$ask = function (string $line) use ($port): array {
    $client = new Swoole\Client(SWOOLE_SOCK_TCP | SWOOLE_KEEP);
    $client->set(['open_eof_split' => true, 'package_eof' => "\n"]);
    if (!@$client->connect('127.0.0.1', $port, 1)) {
        exit("connect: $client->errCode " . swoole_strerror($client->errCode) . "\n");
    }
    $client->send("$line\n");
    return [$client->recv(), $client->reuseCount];
};
for ($i = 1; $i <= 100; $i++) {
    [$answer, $reused] = $ask("question $i");
}
echo $answer, "reused $reused times\n";
