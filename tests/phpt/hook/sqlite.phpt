--TEST--
SQLite in coroutines: transactions wait for each other, long queries let others run, one connection is used in turn
--EXTENSIONS--
swoole
--SKIPIF--
<?php require __DIR__ . '/../inc/components.inc'; need_components('pdo_sqlite', 'sqlite3'); ?>
--FILE--
<?php
use Swoole\Coroutine as Co;
$file = sys_get_temp_dir() . '/sqlite' . getmypid();
$open = function (int $timeout = 20) use ($file) {
    $p = new PDO("sqlite:$file", null, null, [PDO::ATTR_TIMEOUT => $timeout]);
    $p->exec('pragma synchronous = off');
    return $p;
};
/** Runs all of them at once, in the order given; prints what they return. */
function all(callable ...$work): void
{
    $group = new Co\WaitGroup();
    foreach ($work as $key => $one) {
        $group->add();
        go(function () use ($key, $one, $group, &$results) {
            try {
                $results[$key] = $one();
            } catch (Throwable $e) {
                $results[$key] = get_class($e) . ' ' . $e->getMessage();
            }
            $group->done();
        });
    }
    $group->wait();
    ksort($results);
    echo json_encode($results), "\n";
}
const LONG = 'with recursive c(x) as (select 1 union all select x + 1 from c where x < 300000) select max(x) from c';
$old = function () use ($file) {
    $db = new SQLite3($file);
    $db->busyTimeout(20000);
    return $db;
};
Co\run(function () use ($open, $file, $old) {
    $p = $open();
    $p->exec('create table t (id integer primary key, v text)');
    echo "Each transaction waits for the one before, although none of them ends at once\n";
    $transaction = fn ($db, $exec) => function () use ($db, $exec) {
        $d = $db();
        $d->$exec('begin immediate');
        Co::sleep(0.002);
        $d->$exec("insert into t (v) values ('x')");
        Co::sleep(0.002);
        return $d->$exec('commit') !== false;
    };
    all(...array_fill(0, 5, $transaction($open, 'exec')), ...array_fill(0, 5, $transaction($old, 'exec')));
    echo $p->query('select count(*) from t')->fetchColumn(), " rows\n";
    all(busy: function () use ($open) {
        $p = $open(0);
        $p->exec('begin immediate');
        try {
            $open(0)->exec('begin immediate');
        } catch (PDOException $e) {
            return $e->errorInfo[1];
        } finally {
            $p->exec('rollback');
        }
    });

    echo "Long queries\n";
    $ticks = 0;
    $ticker = go(function () use (&$ticks) { while (Co::sleep(0.001)) $ticks++; });
    all(fn () => (new PDO('sqlite::memory:'))->query(LONG)->fetchColumn(), fn () => (new PDO('sqlite::memory:'))->query(LONG)->fetchColumn());
    echo json_encode($ticks > 2), "\n";

    echo "One connection in several coroutines\n";
    all(...array_map(fn ($i) => fn () => [$p->query(LONG)->fetchColumn(), $p->query("select $i")->fetchColumn()], range(0, 3)));
    $s = $p->prepare('select id from t where id <= ? order by id');
    $s->execute([5]);
    echo json_encode($s->fetchAll(PDO::FETCH_COLUMN)), "\n";

    echo "Functions, collations and authorizers in PHP run in the coroutine\n";
    $p->sqliteCreateFunction('slowly', function ($v) { Co::sleep(0.001); return "$v from coroutine " . (Co::getCid() > 0); });
    $p->sqliteCreateCollation('backwards', fn ($a, $b) => -strcmp($a, $b));
    all(fn () => $p->query("select slowly('called')")->fetchColumn(), fn () => $p->query("select group_concat(v) from (select v from (select 'a' as v union select 'b') order by v collate backwards)")->fetchColumn());
    $p->sqliteCreateFunction('throws', fn () => throw new DomainException('thrown'));
    all(fn () => $p->query('select throws()'), fn () => $p->query('select 1')->fetchColumn());

    echo "A cancelled query is interrupted\n";
    $long = (new PDO('sqlite::memory:'))->prepare(str_replace('300000', '3000000000', LONG));
    $id = go(function () use ($long) {
        try {
            $long->execute();
        } catch (PDOException $e) {
            echo $e->errorInfo[1], "\n";
        }
    });
    Co::sleep(0.01);
    Co::cancel($id);
    Co::cancel($ticker);
});
array_map('unlink', glob("$file*"));
?>
--EXPECT--
Each transaction waits for the one before, although none of them ends at once
[true,true,true,true,true,true,true,true,true,true]
10 rows
{"busy":5}
Long queries
[300000,300000]
true
One connection in several coroutines
[[300000,0],[300000,1],[300000,2],[300000,3]]
[1,2,3,4,5]
Functions, collations and authorizers in PHP run in the coroutine
["called from coroutine 1","b,a"]
["DomainException thrown",1]
A cancelled query is interrupted
9
