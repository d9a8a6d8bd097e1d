--TEST--
Coroutine\MySQL, Coroutine\Redis and Coroutine\PostgreSQL of Swoole 4: results, prepared statements, deferred calls, errors
--EXTENSIONS--
swoole
--SKIPIF--
<?php require __DIR__ . '/../inc/components.inc'; need_components('mariadb', 'mysqli', 'redis-server', 'redis', 'postgres', 'pgsql'); ?>
--FILE--
<?php
require __DIR__ . '/../inc/components.inc';
use Swoole\Coroutine as Co;
$maria = new MariaDb();
$maria->mysqli()->query('CREATE DATABASE test');
$redis = new RedisServer();
$postgres = new Postgres();
for ($end = time() + 30; !@pg_connect("host=127.0.0.1 port=$postgres->port dbname=postgres user=postgres") && time() < $end; usleep(50000));
Co\run(function () use ($maria, $redis, $postgres) {
    $db = new Co\MySQL();
    echo json_encode($db->connect(['host' => '127.0.0.1', 'port' => $maria->port, 'user' => 'root', 'password' => '', 'database' => 'test', 'strict_type' => true])), "\n";
    echo json_encode([$db->query('CREATE TABLE t (id INT PRIMARY KEY AUTO_INCREMENT, name VARCHAR(20))'), $db->query("INSERT INTO t (name) VALUES ('one'), ('two')"), $db->affected_rows, $db->insert_id]), "\n";
    echo json_encode([$db->query('SELECT * FROM t'), $db->query('nonsense'), $db->errno]), "\n";
    $statement = $db->prepare('SELECT name FROM t WHERE id = ?');
    echo json_encode([$statement->execute([2]), $statement->execute([9]), $db->escape("a'b")]), "\n";
    $begin = microtime(true);
    $all = [];
    for ($i = 0; $i < 5; $i++) {
        $all[$i] = new Co\MySQL();
        $all[$i]->connect(['host' => $maria->socket, 'user' => 'root']);
        $all[$i]->setDefer();
        $all[$i]->query("SELECT SLEEP(0.2), $i AS n");
    }
    echo implode(' ', array_map(fn ($one) => $one->recv()[0]['n'], $all)), ' ', microtime(true) - $begin < 0.8 ? 'together' : 'one after the other', "\n";
    $wrong = new Co\MySQL();
    echo json_encode([$wrong->connect(['host' => '127.0.0.1', 'port' => 1, 'user' => 'root']), $wrong->connect_errno, $wrong->query('SELECT 1')]), "\n";
    $fetching = new Co\MySQL();
    $fetching->connect(['host' => '127.0.0.1', 'port' => $maria->port, 'user' => 'root', 'fetch_mode' => true]);
    echo json_encode([$fetching->query('SELECT 1 AS x UNION SELECT 2'), $fetching->fetch(), $fetching->fetchAll()]), "\n";

    $client = new Co\Redis();
    echo json_encode([$client->connect('127.0.0.1', $redis->port), $client->set('k', 'v'), $client->get('k'), $client->request(['INCR', 'n']), $client->hGetAll('none')]), "\n";
    $client->setDefer(true);
    echo json_encode([$client->get('k'), $client->recv()]), "\n";
    $client->setDefer(false);
    $client->lPush('k', 1);
    echo json_encode([$client->errType, str_contains($client->errMsg, 'WRONGTYPE')]), "\n";
    $subscriber = new Co\Redis();
    $subscriber->connect('127.0.0.1', $redis->port);
    $got = new Co\Channel(1);
    $subscriber->subscribe(['news'], fn ($redis, $channel, $message) => $got->push("$channel: $message"));
    while ($client->publish('news', 'hello') === 0) Co::sleep(0.01);
    echo $got->pop(5), "\n";
    $gone = new Co\Redis(['connect_timeout' => 1]);
    echo json_encode([$gone->connect('127.0.0.1', 1), $gone->errType]), "\n";

    $pg = new Co\PostgreSQL();
    echo json_encode($pg->connect("host=127.0.0.1 port=$postgres->port dbname=postgres user=postgres")), "\n";
    $pg->query('CREATE TEMP TABLE t (id INT, name TEXT)');
    $result = $pg->query("INSERT INTO t VALUES (1, 'one'), (2, 'two')");
    $select = $pg->query('SELECT * FROM t ORDER BY id');
    echo json_encode([$result->affectedRows(), $pg->numRows($select), $select->fetchAssoc(), $select->fetchRow(), $select->fetchRow(), $pg->fetchAll($select)]), "\n";
    $statement = $pg->prepare('SELECT name FROM t WHERE id = $1');
    echo json_encode([$statement->execute([2]), $statement->fetchAll(), $pg->prepare('named', 'SELECT $1::int + 1 AS n'), $pg->execute('named', [41])->fetchAssoc()]), "\n";
    echo json_encode([$pg->query('nonsense'), str_contains($pg->error, 'syntax'), $pg->escapeLiteral("a'b")]), "\n";
    // It ends the subscriber's coroutine.
    $redis->stop();
});
?>
--EXPECT--
true
[true,true,2,1]
[[{"id":1,"name":"one"},{"id":2,"name":"two"}],false,1064]
[[{"name":"two"}],[],"a\\'b"]
0 1 2 3 4 together
[false,2002,false]
[true,{"x":"1"},[{"x":"2"}]]
[true,true,"v",1,[]]
[true,"v"]
[2,true]
news: hello
[false,1]
true
[2,2,{"id":"1","name":"one"},["2","two"],false,[{"id":"1","name":"one"},{"id":"2","name":"two"}]]
[true,[{"name":"two"}],true,{"n":"42"}]
[false,true,"'a''b'"]
