--TEST--
Pools of MariaDB connections survive its restart: statements are prepared again with their bindings, transactions fail
--EXTENSIONS--
swoole
--SKIPIF--
<?php require __DIR__ . '/../inc/components.inc'; need_components('mariadb', 'mysqli', 'pdo_mysql'); ?>
--FILE--
<?php
require __DIR__ . '/../inc/components.inc';
use Swoole\Coroutine as Co;
use Swoole\Database\{MysqliConfig, MysqliPool, PDOConfig, PDOPool};
$server = new MariaDb();
$server->pdo()->exec('CREATE DATABASE test');
function restart(MariaDb $server): void
{
    $server->stop();
    $server->start();
}
Co\run(function () use ($server) {
    $pool = new PDOPool((new PDOConfig)->withHost('127.0.0.1')->withPort($server->port)->withPassword('')->withOptions([PDO::ATTR_EMULATE_PREPARES => false]), 2);
    $db = $pool->get();
    $text = 'at first';
    $statement = $db->prepare('SELECT ?, ?');
    $statement->bindValue(1, 7, PDO::PARAM_INT);
    $statement->bindParam(2, $text);
    $statement->setFetchMode(PDO::FETCH_NUM);
    $db->beginTransaction();
    restart($server);
    foreach (['exec' => fn () => $db->exec('DO 1'), 'commit' => fn () => $db->commit()] as $name => $call) {
        try {
            $call();
            echo "$name was repeated\n";
        } catch (PDOException $e) {
            echo "PDO $name in a transaction fails, round ", $db->getRound(), "\n";
        }
    }
    $text = 'changed';
    echo json_encode([$statement->execute(), $statement->fetch(), $db->getRound()]), "\n";
    $db->exec('START TRANSACTION');
    restart($server);
    try {
        $db->query('SELECT 1');
        echo "a statement was repeated\n";
    } catch (PDOException $e) {
        echo "PDO query in a transaction begun by SQL fails\n";
    }
    $db->reconnect();
    $db->beginTransaction();
    $pool->put($db);
    $same = $pool->get();
    echo json_encode([$same === $db, $same->inTransaction(), $same->__getObject()->inTransaction()]), " after put in a transaction\n";
    restart($server);
    echo $db->query('SELECT 1 + 1')->fetchColumn(), " by a new connection\n";

    $config = (new MysqliConfig)->withPort($server->port)->withPassword('');
    foreach ([MYSQLI_REPORT_ERROR | MYSQLI_REPORT_STRICT, MYSQLI_REPORT_OFF] as $report) {
        mysqli_report($report);
        $pool = new MysqliPool($config, 2);
        $db = $pool->get();
        $statement = $db->prepare('SELECT ?');
        $number = 1;
        $statement->bind_param('i', $number);
        restart($server);
        $number = 5;
        $statement->execute();
        $statement->bind_result($got);
        $statement->fetch();
        echo "mysqli: $got, round ", $db->getRound(), "\n";
        $statement->close();
        restart($server);
        echo $db->query('SELECT 2')->fetch_row()[0], ', round ', $db->getRound(), "\n";
        foreach (['begin_transaction' => fn () => $db->begin_transaction(), 'query' => fn () => $db->query('BEGIN'), 'autocommit' => fn () => $db->autocommit(false)] as $name => $begin) {
            $begin();
            restart($server);
            try {
                $failed = $db->query('SELECT 1') === false;
            } catch (mysqli_sql_exception $e) {
                $failed = true;
            }
            echo "a transaction by $name ", $failed ? 'fails' : 'was resumed', "\n";
            $db->reconnect();
        }
    }
    try {
        (new MysqliPool((clone $config)->withPort(1)))->get();
    } catch (Swoole\Database\MysqliException $e) {
        echo get_class($e), ' ', $e->getCode(), "\n";
    }
});
?>
--EXPECT--
PDO exec in a transaction fails, round 0
PDO commit in a transaction fails, round 0
[true,[7,"changed"],1]
PDO query in a transaction begun by SQL fails
[true,false,false] after put in a transaction
2 by a new connection
mysqli: 5, round 1
2, round 2
a transaction by begin_transaction fails
a transaction by query fails
a transaction by autocommit fails
mysqli: 5, round 1
2, round 2
a transaction by begin_transaction fails
a transaction by query fails
a transaction by autocommit fails
Swoole\Database\MysqliException 2002
