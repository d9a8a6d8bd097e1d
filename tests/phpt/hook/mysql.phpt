--TEST--
A hundred coroutines query MariaDB at once, by PDO and mysqli, over TCP and a Unix socket, and each gets its own results
--EXTENSIONS--
swoole
--SKIPIF--
<?php require __DIR__ . '/../inc/components.inc'; need_components('mariadb', 'mysqli', 'pdo_mysql'); ?>
--FILE--
<?php
require __DIR__ . '/../inc/components.inc';
use Swoole\Coroutine as Co;
$db = new MariaDb();
$pdo = $db->pdo();
$pdo->exec('CREATE DATABASE test');
$pdo->exec('CREATE TABLE test.rows (id INT PRIMARY KEY, text MEDIUMTEXT)');
Co\run(function () use ($db) {
    $ways = [
        'PDO' => fn () => $db->pdo(),
        'PDO on a Unix socket' => fn () => $db->pdo(true),
        'PDO, prepared by the server' => fn () => $db->pdo(false, [PDO::ATTR_EMULATE_PREPARES => false]),
        'mysqli' => fn () => $db->mysqli(),
    ];
    foreach ($ways as $name => $connect) {
        $own = 0;
        $begin = microtime(true);
        $most = together(100, $connect, function (PDO|mysqli $c, int $i) use (&$own) {
            $good = true;
            if ($c instanceof PDO) {
                $q = $c->prepare('SELECT SLEEP(0.1), ?, CONNECTION_ID()');
                $q->execute([$i]);
                [, $mine, $id] = $q->fetch(PDO::FETCH_NUM);
                $good = $mine == $i && $id == $c->query('SELECT CONNECTION_ID()')->fetchColumn();
            } else {
                [, $mine, $id] = $c->query("SELECT SLEEP(0.1), $i, CONNECTION_ID()")->fetch_row();
                $good = $mine == $i && $id == $c->thread_id;
            }
            // Rows of many packets, while other coroutines read theirs.
            $text = str_repeat(chr(97 + $i % 26), 50000 + $i);
            $c->query("REPLACE INTO test.rows VALUES ($i, '$text')");
            $row = $c->query("SELECT text FROM test.rows WHERE id = $i");
            $good = $good && ($c instanceof PDO ? $row->fetchColumn() : $row->fetch_row()[0]) === $text;
            $own += $good;
        });
        echo "$name: $most at once, $own with their own answers, ", microtime(true) - $begin < 9 ? 'together' : 'one after the other', "\n";
    }

    // Results requested through stream_select.
    $most = together(20, fn () => $db->mysqli(), function (mysqli $c, int $i) {
        $c->query("SELECT SLEEP(0.05), $i", MYSQLI_ASYNC);
        do {
            $read = $error = $reject = [$c];
        } while (mysqli_poll($read, $error, $reject, 0, 10000) < 1 && (Co::sleep(0.005) || true));
        if ($c->reap_async_query()->fetch_row()[1] != $i) {
            echo "not its own\n";
        }
    });
    echo "polled: $most\n";
});

// Persistent connections: later coroutines, and code outside them, continue to use them.
$ids = [];
for ($round = 0; $round < 2; $round++) {
    Co\run(function () use ($db, &$ids) {
        together(20, fn () => new mysqli('p:127.0.0.1', 'root', '', '', $db->port), function (mysqli $c, int $i) use (&$ids) {
            if ($c->query("SELECT SLEEP(0.02), $i")->fetch_row()[1] != $i) echo "not its own\n";
            $ids[$c->thread_id] = true;
            $c->close();
        });
    });
    $c = new mysqli('p:127.0.0.1', 'root', '', '', $db->port);
    $ids[$c->thread_id] = true;
    echo $c->query("SELECT 'outside'")->fetch_row()[0], "\n";
    $c->close();
}
echo 'kept: ', count($ids), "\n";
?>
--EXPECT--
PDO: 100 at once, 100 with their own answers, together
PDO on a Unix socket: 100 at once, 100 with their own answers, together
PDO, prepared by the server: 100 at once, 100 with their own answers, together
mysqli: 100 at once, 100 with their own answers, together
polled: 20
outside
outside
kept: 20
