--TEST--
A cancelled query says that it was cancelled, by a message or an exception that names the function, and its answer reaches nobody
--EXTENSIONS--
swoole
--SKIPIF--
<?php require __DIR__ . '/../inc/components.inc'; need_components('mariadb', 'redis-server', 'mysqli', 'pdo_mysql', 'redis'); ?>
--FILE--
<?php
require __DIR__ . '/../inc/components.inc';
use Swoole\Coroutine as Co;
mysqli_report(MYSQLI_REPORT_OFF);
$db = new MariaDb();
$redis = new RedisServer();
Co\run(function () use ($db, $redis) {
    $ways = [
        'PDO' => fn () => $db->pdo(),
        'mysqli' => fn () => $db->mysqli(),
        'Redis' => fn () => $redis->client(),
    ];
    foreach ($ways as $name => $connect) {
        foreach ([false, true] as $throws) {
            $c = $connect();
            $ask = fn () => match ($name) {
                'PDO' => $c->query('SELECT SLEEP(1) + 1')->fetchColumn(),
                'mysqli' => $c->query('SELECT SLEEP(1) + 1') ?: "$c->errno $c->error",
                'Redis' => json_encode($c->blPop(['never'], 2)),
            };
            $id = go(function () use ($name, $ask) {
                try { echo "$name: " . $ask() . "\n"; } catch (Exception $e) { echo "$name: ", get_class($e->getPrevious() ?? $e), ': ', preg_replace('~127.0.0.1:\d+~', 'SERVER', ($e->getPrevious() ?? $e)->getMessage()), "\n"; }
            });
            Co::sleep(0.02);
            Co::cancel($id, $throws);
            // The connection is lost, or opened again.
            try { echo '  then ' . match ($name) { 'PDO' => $c->query('SELECT 2')->fetchColumn(), 'mysqli' => $c->query('SELECT 2') ?: $c->error, 'Redis' => $c->echo('two') } . "\n"; } catch (Exception $e) { echo '  then ', $e->getMessage(), "\n"; }
        }
    }
});
?>
--EXPECT--
PDO: PDOException: SQLSTATE[HY000]: General error: 2006 MySQL server has gone away: the coroutine's wait for it was cancelled
  then SQLSTATE[HY000]: General error: 2006 MySQL server has gone away
PDO: Swoole\Coroutine\CanceledException: the coroutine was canceled in PDO::query()
  then SQLSTATE[HY000]: General error: 2006 MySQL server has gone away
mysqli: 2006 MySQL server has gone away: the coroutine's wait for it was cancelled
  then MySQL server has gone away
mysqli: Swoole\Coroutine\CanceledException: the coroutine was canceled in mysqli::query()
  then MySQL server has gone away
Redis: RedisException: read error on connection to SERVER
  then two
Redis: Swoole\Coroutine\CanceledException: the coroutine was canceled in Redis::blPop()
  then two
