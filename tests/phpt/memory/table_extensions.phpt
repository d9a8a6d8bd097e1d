--TEST--
Table grows, expires rows, keeps a memory budget, handles many rows per call and reserves one arena
--EXTENSIONS--
swoole
posix
--FILE--
<?php
use Swoole\Table;

function table(int $rows, array $options): Table
{
    $table = new Table($rows);
    $table->column('n', Table::TYPE_INT);
    $table->column('s', Table::TYPE_STRING, 16);
    var_dump($table->configure($options), $table->create());
    return $table;
}

echo "-- growth\n";
$table = table(64, ['grow_to' => 500]);
for ($n = 0; @$table->set("row $n", ['n' => $n]); $n++);
var_dump($n, $table->stats()['room'], $table->stats()['capacity'], $table->getSize(), $table->get('row 499', 'n'), swoole_last_error());

echo "-- rows with an end, seen alike by a child\n";
$table = table(64, ['expiry' => true, 'evict' => false]);
var_dump($table->setFor('short', ['n' => 1], 0.05), $table->set('lasting', ['n' => 2]), $table->setFor('moved', ['n' => 3], 0.05), $table->expire('moved', 100), $table->expire('none', null));
usleep(60000);
$child = new Swoole\Process(fn ($p) => $p->exit($table->exists('short') ? 1 : 0), false, 0);
$child->start();
var_dump(Swoole\Process::wait()['code'], $table->exists('short'), $table->get('short'), $table->get('moved', 'n'), $table->incr('short', 'n'), count($table));
var_dump($table->expire('moved', 0), count($table), $table->purge(), count($table), $table->stats()['expired_count']);
$plain = table(64, []);
var_dump(@$plain->setFor('a', ['n' => 1], 1), swoole_last_error());

echo "-- a budget\n";
$size = $plain->stats()['row_size'];
$table = table(1024, ['budget' => 50 * $size]);
for ($n = 0; $n < 500; $n++) {
    $table->set("row $n", ['n' => $n]) && $table->get('row 0') ?: exit("lost at $n");
}
var_dump(count($table), $table->stats()['evicted_count'], $table->get('row 0', 'n'), $table->get('row 499', 'n'));

echo "-- many at once\n";
$table = table(64, []);
var_dump($table->setMany(['a' => ['n' => 1, 's' => 'one'], 'b' => ['n' => 2], 7 => ['n' => 3]]));
var_dump(json_encode($table->getMany(['b', 'none', 'a', 7])), @$table->setMany(['c' => 1]), @$table->setMany(array_fill(100, 100, ['n' => 1])));

echo "-- misuse\n";
$new = new Table(64);
var_dump(@$new->configure(['grow_tow' => 5]), @$new->configure(['budget' => -1]), @$table->configure([]));

echo "-- an arena\n";
var_dump(Table::reserved(), @Table::reserve(0), Table::reserve(100000));
$table = table(64, []);
$table->set('a', ['n' => 5]);
$big = new Table(1 << 20);
$big->column('n', Table::TYPE_INT);
set_error_handler(function ($level, $text) { echo preg_replace('~\d+~', 'N', $text), "\n"; });
var_dump($big->create(), $table->get('a', 'n'));
$reserved = Table::reserved();
var_dump($reserved['size'], $reserved['used'] === $reserved['pieces'][0]['size'], $reserved['pieces'][0]['purpose']);
$lock = new Swoole\Lock();
$numbers = [new Swoole\Atomic(5), new Swoole\Atomic\Long(6)];
$child = new Swoole\Process(function () use ($lock, $numbers) {
    $numbers[0]->add();
    exit($lock->lock(LOCK_EX | LOCK_NB) ? 0 : $numbers[1]->get());
});
$lock->lock();
$child->start();
var_dump(Swoole\Process::wait()['code'], $numbers[0]->get(), array_column(Table::reserved()['pieces'], 'purpose'));
try {
    for ($locks = []; true; $locks[] = new Swoole\Lock());
} catch (Exception $e) {
    echo get_class($e), ' ', preg_replace('~\d+~', 'N', $e->getMessage()), "\n";
}
?>
--EXPECT--
-- growth
bool(true)
bool(true)
int(500)
int(500)
int(500)
int(64)
int(499)
int(510)
-- rows with an end, seen alike by a child
bool(true)
bool(true)
bool(true)
bool(true)
bool(true)
bool(true)
bool(false)
int(0)
bool(false)
bool(false)
int(3)
int(1)
int(3)
bool(true)
int(3)
int(1)
int(2)
int(2)
bool(true)
bool(true)
bool(false)
int(503)
-- a budget
bool(true)
bool(true)
int(50)
int(450)
int(0)
int(499)
-- many at once
bool(true)
bool(true)
int(3)
string(61) "{"b":{"n":2,"s":""},"a":{"n":1,"s":"one"},"7":{"n":3,"s":""}}"
int(0)
int(73)
-- misuse
bool(false)
bool(false)
bool(false)
-- an arena
bool(false)
bool(false)
bool(true)
bool(true)
bool(true)
Swoole\Table::create(): take from the arena: a table of N rows of N bytes needs N bytes, and of the arena's N only N are left
bool(false)
int(5)
int(102400)
bool(true)
string(31) "a table of 76 rows of 192 bytes"
int(6)
int(6)
array(3) {
  [0]=>
  string(31) "a table of 76 rows of 192 bytes"
  [1]=>
  string(6) "a lock"
  [2]=>
  string(14) "shared numbers"
}
Swoole\Exception take from the arena: a lock needs N bytes, and of the arena's N only N are left
