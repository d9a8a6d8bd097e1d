--TEST--
A statement of a pool whose wait is cancelled fails at once, and is not executed again
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
$server->pdo()->exec('CREATE TABLE test.t (id INT) ENGINE=MyISAM');
Co\run(function () use ($server) {
    $pdo = new PDOPool((new PDOConfig)->withHost('127.0.0.1')->withPort($server->port)->withPassword('')->withDbName('test'), 2);
    $mysqli = new MysqliPool((new MysqliConfig)->withHost('127.0.0.1')->withPort($server->port)->withPassword('')->withDbName('test'), 2);
    $insert = 'INSERT INTO t VALUES (1), (1 + SLEEP(1))';
    $ways = [
        'exec' => [$pdo, fn ($db) => $db->exec($insert)],
        'statement' => [$pdo, fn ($db) => $db->prepare($insert)->execute()],
        'mysqli' => [$mysqli, fn ($db) => $db->query($insert)],
    ];
    foreach ($ways as $name => [$pool, $way]) {
        $ended = new Co\Channel();
        $id = go(function () use ($pool, $way, $ended) {
            $db = $pool->get();
            try {
                @$way($db);
                $ended->push('executed again');
            } catch (PDOException | mysqli_sql_exception $e) {
                $ended->push(get_class($e) . ', cancelled: ' . json_encode(Co::isCanceled()));
            }
        });
        Co::sleep(0.3);
        var_dump(Co::cancel($id));
        echo "$name: ", $ended->pop(), "\n";
    }
    // The server ends the statements that it has begun.
    Co::sleep(2);
    $count = $server->pdo()->query('SELECT COUNT(*) FROM test.t')->fetchColumn();
    echo $count <= 6 ? "nothing was inserted twice\n" : "$count rows\n";
});
?>
--EXPECT--
bool(true)
exec: PDOException, cancelled: true
bool(true)
statement: PDOException, cancelled: true
bool(true)
mysqli: mysqli_sql_exception, cancelled: true
nothing was inserted twice
