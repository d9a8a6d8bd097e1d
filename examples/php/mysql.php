<?php
// MySQL or MariaDB in coroutines: a connection for each query, one for many, and one that is made again after a loss.
//
//     php -d extension=target/release/libswoosh_php.so examples/php/mysql.php 3306 [HOST] [USER] [PASSWORD]
use Swoole\Coroutine as Co;
use Swoole\Database\PDOProxy;

[$port, $host, $user, $password] = [$argv[1] ?? 3306, $argv[2] ?? '127.0.0.1', $argv[3] ?? 'root', $argv[4] ?? ''];
$connect = fn () => new PDO("mysql:host=$host;port=$port", $user, $password);

Co\run(function () use ($connect) {
    // Short connections: twenty coroutines, each with its own; all wait for the database at once.
    $begin = microtime(true);
    $group = new Co\WaitGroup();
    for ($i = 1; $i <= 20; $i++) {
        $group->add();
        go(function () use ($connect, $group) {
            $connect()->query('SELECT SLEEP(0.2)')->fetchColumn();
            $group->done();
        });
    }
    $group->wait();
    echo 'short: 20 queries of 0.2 s each took ', microtime(true) - $begin < 2 ? 'less than 2 s' : 'longer than 2 s', "\n";

    // A long connection: one coroutine, many queries.
    $db = $connect();
    $statement = $db->prepare('SELECT ? * ?');
    for ($sum = 0, $i = 1; $i <= 100; $i++) {
        $statement->execute([$i, $i]);
        $sum += $statement->fetchColumn();
    }
    echo "long: the sum of 100 squares is $sum\n";

    // A connection that connects again when the server has closed it. Inside of a transaction it throws instead.
    $db = new PDOProxy($connect);
    $id = $db->query('SELECT CONNECTION_ID()')->fetchColumn();
    $connect()->exec("KILL $id");
    echo 'reconnect: another connection answers ', $db->query('SELECT 6 * 7')->fetchColumn(), ', the ', $db->getRound(), ". replacement\n";

    $db->beginTransaction();
    $connect()->exec('KILL ' . $db->query('SELECT CONNECTION_ID()')->fetchColumn());
    try {
        $db->exec('DO 1');
    } catch (PDOException) {
        echo "transaction: it fails, and is not continued on another connection\n";
    }
});
