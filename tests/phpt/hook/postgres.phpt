--TEST--
A hundred coroutines query PostgreSQL at once, by PDO and pgsql; one connection is shared in turn, cancelled, lost and told of events
--EXTENSIONS--
swoole
--SKIPIF--
<?php require __DIR__ . '/../inc/components.inc'; need_components('postgres', 'pdo_pgsql', 'pgsql'); ?>
--FILE--
<?php
require __DIR__ . '/../inc/components.inc';
use Swoole\Coroutine as Co;
$server = new Postgres();
Co\run(function () use ($server) {
    $server->pdo();
    $own = 0;
    // The holder of a lock releases it only once all of them wait for it.
    $holder = $server->pdo();
    $holder->query('select pg_advisory_lock(1)');
    go(function () use ($holder) {
        while ($holder->query("select count(*) from pg_stat_activity where wait_event = 'advisory'")->fetchColumn() < 100) Co::sleep(0.005);
        $holder->query('select pg_advisory_unlock(1)');
    });
    $most = together(100, fn () => $server->pdo(), function (PDO $p, int $i) use (&$own) {
        $own += $p->query("select $i, pg_advisory_lock_shared(1)")->fetchColumn() === $i;
    });
    echo "$most wait at once, $own answers\n";
    $own = 0;
    $most = together(30, fn () => $server->pdo(), function (PDO $p, int $i) use (&$own) {
        $s = $p->prepare('select ?::int * 2 as double, repeat(?, 10000) as text, pg_sleep(0.05)');
        $s->execute([$i, chr(97 + $i % 26)]);
        $row = $s->fetch(PDO::FETCH_ASSOC);
        $own += $row['double'] === $i * 2 && $row['text'] === str_repeat(chr(97 + $i % 26), 10000);
    });
    echo "pdo: $most at once, $own with their own answers\n";
    $own = 0;
    $most = together(30, fn () => pg_connect("host=127.0.0.1 port=$server->port user=postgres dbname=postgres", PGSQL_CONNECT_FORCE_NEW), function ($c, int $i) use (&$own) {
        $own += pg_fetch_result(pg_query_params($c, 'select $1::int + 1, pg_sleep(0.05)', [$i]), 0, 0) === (string) ($i + 1);
        $own += pg_fetch_all_columns(pg_query($c, 'select generate_series(1, 20000)'))[19999] === '20000';
    });
    echo "pgsql: $most at once, $own answers\n";

    echo "One connection in several coroutines: in turn\n";
    $p = $server->pdo();
    $group = new Co\WaitGroup();
    for ($i = 0; $i < 5; $i++) {
        $group->add();
        go(function () use ($p, $i, $group, &$answers) {
            $answers[$i] = $p->query("select $i, pg_sleep(0.01)")->fetchColumn();
            $group->done();
        });
    }
    $group->wait();
    echo json_encode($answers), "\n";

    echo "A cancelled query ends its connection, so that no answer is taken for another's\n";
    $id = go(function () use ($p) {
        try {
            $p->query('select 1, pg_sleep(0.1)');
        } catch (PDOException $e) {
            echo 'cancelled ', json_encode(Co::isCanceled()), "\n";
        }
    });
    Co::sleep(0.01);
    Co::cancel($id);
    try {
        $answer = $p->query('select 2')->fetchColumn();
        echo "then $answer\n";
    } catch (PDOException) {
        echo "then the connection is gone\n";
    }

    echo "Transactions, errors, LISTEN and COPY\n";
    $p = $server->pdo();
    $p->exec('create table t (v int)');
    $p->beginTransaction();
    $p->exec('insert into t values (1)');
    $p->rollBack();
    try {
        $p->exec('nonsense');
    } catch (PDOException $e) {
        echo $e->getCode(), ' ';
    }
    $p->pgsqlCopyFromArray('t', array_map('strval', range(1, 1000)));
    echo $p->query('select sum(v) from t')->fetchColumn(), ' ', count($p->pgsqlCopyToArray('t')), "\n";
    $p->exec('listen news');
    go(function () use ($server) { $server->pdo()->exec("notify news, 'hello'"); });
    echo json_encode($p->pgsqlGetNotify(PDO::FETCH_NUM, 10000)[0]), "\n";

    echo "A server that is restarted\n";
    $id = go(function () use ($p) {
        try {
            $p->query('select pg_sleep(60)');
        } catch (PDOException $e) {
            echo "lost\n";
        }
    });
    Co::sleep(0.02);
    $server->stop();
    Co::join([$id]);
    $server->start();
    echo $server->pdo()->query('select 5')->fetchColumn(), "\n";
});
?>
--EXPECT--
100 wait at once, 100 answers
pdo: 30 at once, 30 with their own answers
pgsql: 30 at once, 60 answers
One connection in several coroutines: in turn
[0,1,2,3,4]
A cancelled query ends its connection, so that no answer is taken for another's
cancelled true
then the connection is gone
Transactions, errors, LISTEN and COPY
42601 500500 1000
"news"
A server that is restarted
lost
5
