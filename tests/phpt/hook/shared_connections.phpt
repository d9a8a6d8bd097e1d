--TEST--
A second coroutine that uses a MySQL or Redis connection gets an error that names both; the first one's answer is its own
--EXTENSIONS--
swoole
--SKIPIF--
<?php require __DIR__ . '/../inc/components.inc'; need_components('mariadb', 'redis-server', 'mysqli', 'pdo_mysql', 'redis'); ?>
--FILE--
<?php
require __DIR__ . '/../inc/components.inc';
use Swoole\Coroutine as Co;
mysqli_report(MYSQLI_REPORT_ERROR | MYSQLI_REPORT_STRICT);
$db = new MariaDb();
$redis = new RedisServer();
/** Begins `$first` in a coroutine, tries each of the others in one of its own, and shows the first one's answer. */
function shared(string $name, callable $first, callable $again, callable ...$others): void
{
    $answer = null;
    $user = go(function () use ($first, &$answer) { $answer = $first(); });
    foreach ($others as $what => $other) {
        go(function () use ($name, $what, $other, $user) {
            try {
                $other();
                echo "$name, $what: no error\n";
            } catch (Throwable $e) {
                $both = "~^Socket#\d+ has already been bound to another coroutine#$user, reading of the same socket in coroutine#" . Co::getCid() . ' at the same time is not allowed$~';
                echo "$name, $what: ", get_class($e), preg_match($both, $e->getMessage()) && !$e->getPrevious() ? '' : ': ' . $e->getMessage(), "\n";
            }
        });
    }
    Co::join([$user]);
    echo "$name: ", json_encode($answer), ', then ', json_encode($again()), "\n";
}
Co\run(function () use ($db, $redis) {
    foreach ([PDO::ERRMODE_EXCEPTION, PDO::ERRMODE_SILENT] as $mode) {
        $pdo = $db->pdo();
        $pdo->setAttribute(PDO::ATTR_ERRMODE, $mode);
        $pdo->setAttribute(PDO::ATTR_EMULATE_PREPARES, false);
        $prepared = $pdo->prepare('SELECT 2');
        shared('PDO', fn () => $pdo->query('SELECT SLEEP(0.05) + 1')->fetchColumn(), fn () => $pdo->query('SELECT 3')->fetchColumn(),
            query: fn () => $pdo->query('SELECT 2'), exec: fn () => $pdo->exec('SET @a = 2'), prepare: fn () => $pdo->prepare('SELECT 4'),
            execute: fn () => $prepared->execute(), begin: fn () => $pdo->beginTransaction());
    }
    $mysqli = $db->mysqli();
    $prepared = $mysqli->prepare('SELECT 2');
    shared('mysqli', fn () => $mysqli->query('SELECT SLEEP(0.05) + 1')->fetch_row(), fn () => $mysqli->query('SELECT 3')->fetch_row(),
        query: fn () => $mysqli->query('SELECT 2'), several: fn () => $mysqli->multi_query('SELECT 2; SELECT 3'), prepare: fn () => $mysqli->prepare('SELECT 4'),
        execute: fn () => $prepared->execute(), ping: fn () => $mysqli->ping());
    $client = $redis->client();
    $client->set('a', 'value');
    shared('Redis', fn () => $client->blPop(['never'], 1), fn () => $client->get('a'),
        get: fn () => $client->get('a'), set: fn () => $client->set('a', 'other'), transaction: fn () => $client->multi(),
        pipeline: fn () => $client->multi(Redis::PIPELINE)->get('a')->exec(), subscribe: fn () => $client->subscribe(['a'], fn () => null));
});
?>
--EXPECT--
PDO, query: Error
PDO, exec: Error
PDO, prepare: Error
PDO, execute: Error
PDO, begin: Error
PDO: 1, then 3
PDO, query: Error
PDO, exec: Error
PDO, prepare: Error
PDO, execute: Error
PDO, begin: Error
PDO: 1, then 3
mysqli, query: Error
mysqli, several: Error
mysqli, prepare: Error
mysqli, execute: Error
mysqli, ping: Error
mysqli: ["1"], then ["3"]
Redis, get: Error
Redis, set: Error
Redis, transaction: Error
Redis, pipeline: Error
Redis, subscribe: Error
Redis: [], then "value"
