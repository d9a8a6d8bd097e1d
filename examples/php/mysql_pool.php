<?php
// A pool of MySQL or MariaDB connections: a hundred coroutines share four. The server may be restarted meanwhile.
//
//     php -d extension=target/release/libswoosh_php.so examples/php/mysql_pool.php 3306 [ROUNDS] [HOST] [USER] [PASSWORD]
use Swoole\Coroutine as Co;
use Swoole\Database\{PDOConfig, PDOPool};

[$port, $rounds, $host] = [(int) ($argv[1] ?? 3306), (int) ($argv[2] ?? 3), $argv[3] ?? '127.0.0.1'];
$config = (new PDOConfig)->withHost($host)->withPort($port)->withDbname('')->withUsername($argv[4] ?? 'root')->withPassword($argv[5] ?? '');
$pool = (new PDOPool($config, 4))->setOptions(['max_lifetime' => 3600, 'wait_timeout' => 10]);

Co\run(function () use ($pool, $rounds) {
    for ($round = 1; $round <= $rounds; $round++) {
        $group = new Co\WaitGroup();
        $answers = 0;
        for ($i = 0; $i < 100; $i++) {
            $group->add();
            go(function () use ($pool, $group, $i, &$answers) {
                $db = $pool->get();
                try {
                    $statement = $db->prepare('SELECT ? + 1');
                    $statement->execute([$i]);
                    $answers += $statement->fetchColumn() == $i + 1;
                } catch (PDOException $failure) {
                    echo "a query failed: {$failure->getMessage()}\n";
                } finally {
                    $pool->put($db);
                    $group->done();
                }
            });
        }
        $group->wait();
        echo "round $round: $answers answers by {$pool->getStats()['num']} connections\n";
        if ($round < $rounds) {
            Co::sleep(0.5);
        }
    }
    $pool->close();
});
