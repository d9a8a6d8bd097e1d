--TEST--
A connection pool lends no more than its size, replaces what expires or fails its check, keeps idle ones and counts
--EXTENSIONS--
swoole
--FILE--
<?php
use Swoole\ConnectionPool;
use Swoole\Coroutine as Co;
Co::set(['enable_deadlock_check' => false]);
class Connection { public static int $made = 0; public int $n; public bool $good = true; function __construct() { $this->n = ++self::$made; } }
Co\run(function () {
    $pool = new ConnectionPool(fn () => new Connection, 2);
    $most = $in = 0;
    $group = new Co\WaitGroup();
    for ($i = 0; $i < 50; $i++) {
        $group->add();
        go(function () use ($pool, $group, &$most, &$in) {
            $connection = $pool->get();
            $most = max($most, ++$in);
            Co::sleep(0.001);
            $in--;
            $pool->put($connection);
            $group->done();
        });
    }
    $group->wait();
    echo "at most $most at once, ", Connection::$made, " made\n";

    $pool->setOptions(['health_check' => fn ($connection) => $connection->good]);
    $one = $pool->get();
    $one->good = false;
    $pool->put($one);
    $other = $pool->get();
    $new = $pool->get();
    echo 'after a failed check: ', $other->good && $new->good ? 'good ones' : 'a bad one', ', unhealthy ', $pool->getStats()['unhealthy'], "\n";
    $pool->setOptions(['wait_timeout' => 0.01]);
    echo var_export($pool->get(0.01), true), "\n";
    try {
        $pool->get();
    } catch (RuntimeException $e) {
        echo $e->getMessage(), "\n";
    }
    $pool->put($other);
    $pool->put($new);
    Co::sleep(0.02);
    $pool->setOptions(['max_idle_time' => 0.01]);
    $fresh = $pool->get();
    echo 'after the idle time: ', $fresh !== $other && $fresh !== $new ? 'another' : 'an old one', ', expired ', $pool->getStats()['expired'], "\n";
    $pool->put($fresh);

    $pool = (new ConnectionPool(fn () => new Connection, 5))->setOptions(['min_idle' => 2, 'max_lifetime' => 60]);
    $pool->get();
    Co::sleep(0.001);
    echo json_encode(array_slice($pool->getStats(), 0, 6)), "\n";
    $pool->put(null);
    echo 'a lost one is replaced: ', $pool->getStats()['num'], "\n";

    $fails = true;
    $pool = new ConnectionPool(function () use (&$fails) { return $fails ? throw new LogicException('refused') : new Connection; }, 1);
    try {
        $pool->get();
    } catch (LogicException $e) {
        echo $e->getMessage(), ', ', $pool->getStats()['num'], " counted\n";
    }
    $fails = false;
    $pool->get();
    go(function () use ($pool) { echo 'a waiter gets ', var_export($pool->get(), true), "\n"; });
    $pool->close();
    try {
        $pool->get();
    } catch (RuntimeException $e) {
        echo $e->getMessage(), "\n";
    }
    try {
        $pool->setOptions(['max_life' => 1]);
    } catch (InvalidArgumentException $e) {
        echo $e->getMessage(), "\n";
    }
});
?>
--EXPECT--
at most 2 at once, 2 made
after a failed check: good ones, unhealthy 1
false
no connection became free within 0.01 s: all 2 are in use
after the idle time: another, expired 2
{"size":5,"num":3,"idle":2,"waiting":0,"made":3,"lent":1}
a lost one is replaced: 3
refused, 0 counted
a waiter gets false
the pool is closed
unknown options: max_life
