--TEST--
A hundred coroutines wait for Redis at once, and each gets its own replies
--EXTENSIONS--
swoole
--SKIPIF--
<?php require __DIR__ . '/../inc/components.inc'; need_components('redis-server', 'redis'); ?>
--FILE--
<?php
require __DIR__ . '/../inc/components.inc';
use Swoole\Coroutine as Co;
$server = new RedisServer();
Co\run(function () use ($server) {
    foreach (['TCP' => false, 'a Unix socket' => true] as $name => $socket) {
        go(function () use ($server) {
            $c = $server->client();
            // All of them wait in Redis before the first is answered.
            while ($c->info('clients')['blocked_clients'] < 100) Co::sleep(0.005);
            echo $c->info('clients')['blocked_clients'], " wait\n";
            for ($i = 99; $i >= 0; $i--) $c->rPush("list$i", "value $i");
        });
        $own = 0;
        $most = together(100, fn () => $server->client($socket), function (Redis $c, int $i) use (&$own) {
            $good = $c->blPop(["list$i"], 10) === ["list$i", "value $i"];
            $text = str_repeat(chr(97 + $i % 26), 50000 + $i);
            $c->set("text$i", $text);
            $good = $good && $c->get("text$i") === $text;
            $good = $good && $c->multi(Redis::PIPELINE)->incr("n$i")->get("n$i")->del("n$i")->exec() === [1, '1', 1];
            $own += $good;
        });
        echo "$name: $most at once, $own with their own answers\n";
    }
    // Subscribers receive published messages, each on its channel.
    $heard = [];
    go(function () use ($server) {
        $c = $server->client();
        while (array_sum($c->pubsub('numsub', array_map(fn ($i) => "c$i", range(0, 9)))) < 10) Co::sleep(0.005);
        for ($i = 0; $i < 10; $i++) $c->publish("c$i", "m$i");
    });
    together(10, fn () => $server->client(), function (Redis $c, int $i) use (&$heard) {
        try {
            $c->subscribe(["c$i"], function ($c, $channel, $message) use (&$heard) {
                $heard[$channel] = $message;
                $c->close();
            });
        } catch (RedisException) {
            // Closing its own connection ends the loop.
        }
    });
    ksort($heard);
    echo http_build_query($heard), "\n";
});
?>
--EXPECT--
100 wait
TCP: 100 at once, 100 with their own answers
100 wait
a Unix socket: 100 at once, 100 with their own answers
c0=m0&c1=m1&c2=m2&c3=m3&c4=m4&c5=m5&c6=m6&c7=m7&c8=m8&c9=m9
