--TEST--
MariaDB and Redis clients in coroutines survive server restarts, cancelled and slow queries without disturbing others
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
$server = new RedisServer();
Co\run(function () use ($db, $server) {
    // Each reports how its wait ended.
    $tally = function (string $name, array $ends): void { ksort($ends); echo $name, ': ', urldecode(http_build_query($ends, '', ', ')), "\n"; };

    // The servers die while ten wait for each, and all of them reach the new ones.
    $ends = [];
    $waiting = 0;
    $kill = go(function () use ($db, $server, &$waiting) {
        while ($waiting < 30) Co::sleep(0.01);
        Co::sleep(0.1);
        $db->stop();
        $server->stop();
        Co::sleep(0.05);
        $db->start();
        $server->start();
    });
    $again = function (callable $ask): mixed {
        for ($n = 0; $n < 1000; $n++) {
            try { return $ask(); } catch (PDOException | mysqli_sql_exception | RedisException) { Co::sleep(0.01); }
        }
        return 'never';
    };
    together(30, fn ($i) => match ($i % 3) { 0 => $db->pdo(), 1 => $db->mysqli(), 2 => $server->client() },
        function (PDO|mysqli|Redis $c, int $i) use ($db, $server, $again, &$ends, &$waiting) {
            $waiting++;
            $kind = get_class($c);
            try {
                $c instanceof Redis ? $c->blPop(['never'], 20) : @$c->query('SELECT SLEEP(20)');
                @$ends["$kind answered"]++;
            } catch (PDOException | mysqli_sql_exception | RedisException) {
                @$ends["$kind failed"]++;
            }
            $answer = $again(fn () => match ($kind) {
                'PDO' => @$db->pdo()->query("SELECT $i")->fetchColumn(),
                'mysqli' => @$db->mysqli()->query("SELECT $i")->fetch_row()[0],
                'Redis' => $c->echo("$i"),
            });
            @$ends["$kind again"] += $answer == $i;
        });
    $tally('restarted', $ends);

    // Some are cancelled, some time out: the others get their results.
    foreach ([false, true] as $throw) {
        $ends = $ids = [];
        $waiting = 0;
        go(function () use (&$ids, &$waiting, $throw) {
            while ($waiting < 40) Co::sleep(0.01);
            foreach ($ids as $id) Co::cancel($id, $throw);
        });
        together(40, function (int $i) use ($db, $server): mysqli|Redis {
            if ($i % 2) {
                $c = $server->client();
                $c->setOption(Redis::OPT_READ_TIMEOUT, $i % 4 === 1 ? 0.2 : 20);
                return $c;
            }
            $c = mysqli_init();
            if ($i % 4 === 0) $c->options(MYSQLI_OPT_READ_TIMEOUT, 1);
            $c->real_connect('127.0.0.1', 'root', '', '', $db->port);
            return $c;
        }, function (mysqli|Redis $c, int $i) use (&$ends, &$ids, &$waiting) {
            $kind = get_class($c);
            $cancelled = intdiv($i, 4) === 3;
            $late = $i % 4 < 2;
            if ($cancelled) $ids[] = Co::getCid();
            $waiting++;
            $sleep = $late || $cancelled ? 3 : 1;
            $what = $cancelled ? 'cancelled' : ($late ? 'late' : 'in time');
            try {
                $good = $c instanceof Redis ? $c->blPop(['never'], $sleep) === [] : @$c->query("SELECT SLEEP($sleep), $i")->fetch_row()[1] == $i;
                @$ends["$kind $what " . ($good ? 'answered' : 'wrong')]++;
            } catch (mysqli_sql_exception | RedisException | Co\CanceledException $e) {
                @$ends["$kind $what " . ($e instanceof Co\CanceledException || $e->getPrevious() instanceof Co\CanceledException ? 'by exception' : 'failed')]++;
            }
        });
        $tally($throw ? 'thrown into' : 'told', $ends);
    }
});
?>
--EXPECT--
restarted: PDO again=10, PDO failed=10, Redis again=10, Redis failed=10, mysqli again=10, mysqli failed=10
told: Redis cancelled failed=2, Redis in time answered=9, Redis late failed=9, mysqli cancelled failed=2, mysqli in time answered=9, mysqli late failed=9
thrown into: Redis cancelled by exception=2, Redis in time answered=9, Redis late failed=9, mysqli cancelled by exception=2, mysqli in time answered=9, mysqli late failed=9
