--TEST--
Table shares rows with children, converts values, iterates, and refuses with a reason when it is full
--EXTENSIONS--
swoole
pcntl
posix
--FILE--
<?php
$t = new Swoole\Table(64);
foreach (['i' => [Swoole\Table::TYPE_INT], 'f' => [Swoole\Table::TYPE_FLOAT], 's' => [Swoole\Table::TYPE_STRING, 8]] as $name => $column) {
    $t->column($name, ...$column);
}
try {
    $t->set('a', []);
} catch (Error $e) {
    echo get_class($e), ': ', $e->getMessage(), "\n";
}
var_dump($t->column('i', Swoole\Table::TYPE_INT), $t->column('x', 9), $t->column('x', Swoole\Table::TYPE_STRING), $t->create(), $t->create());

class Text
{
    public function __construct(private $table) {}
    public function __toString(): string
    {
        // During a set(): the table is not locked for it.
        $this->table->set('inner', ['i' => 1]);
        return 'made';
    }
}
var_dump($t->set('a', ['i' => '7', 'f' => 1, 's' => new Text($t), 'none' => 1]), $t->get('a'), $t->get('inner', 'i'), $t->get('a', 'none'));
var_dump(@$t->set('', []), @$t->set(str_repeat('k', 64), []), swoole_last_error(), $t->incr('a', 's'));
if (($pid = pcntl_fork()) === 0) {
    for ($n = 0; $n < 1000; $n++) {
        $t->incr('a', 'i');
    }
    posix_kill(getmypid(), SIGKILL);
}
for ($n = 0; $n < 1000; $n++) {
    $t->incr('a', 'i');
}
pcntl_waitpid($pid, $status);
var_dump($t->get('a', 'i'), count($t), $t->cmpset('a', ['i' => 2007, 's' => 'made'], ['i' => 1]), $t->cmpset('a', ['s' => 'made longer'], ['i' => 2]), @$t->cmpdel('a', ['none' => 1]));
for ($n = 0; @$t->set("k$n", ['i' => $n]); $n++);
var_dump($n, swoole_last_error(), $t->set('one more', ['i' => 1]), $t->incr('another', 'i'));
$seen = 0;
foreach ($t as $key => $row) {
    $seen += $row === $t->get($key);
    $t->del($key);
}
var_dump($seen, count($t), $t->stats());
try {
    clone $t;
} catch (Error $e) {
    echo $e->getMessage(), "\n";
}
var_dump($t->destroy());
try {
    $t->get('a');
} catch (Error $e) {
    echo $e->getMessage(), "\n";
}
var_dump(new swoole_table(1) instanceof Swoole\Table);
$t = swoole_table(100, 'name:string:4, hits: int, share:float,other:string(8)');
$t->set('a', ['name' => 'four', 'hits' => 3, 'share' => 0.5, 'other' => 'eight by']);
echo get_class($t), ' ', $t->size, ' ', json_encode($t->get('a')), "\n";
foreach (['name', 'name:text', 'name:string', 'name:string:0', ':int', 'a:int:1:2'] as $bad) {
    echo json_encode(@swoole_table(100, "n:int,$bad"));
}
echo ' ', swoole_last_error(), "\n";
?>
--EXPECTF--
Error: the table was not created, or was destroyed: call create()

Warning: Swoole\Table::column(): duplicate column name in %s on line 11

Warning: Swoole\Table::column(): unknown column type 9: use Table::TYPE_INT, TYPE_FLOAT or TYPE_STRING in %s on line 11

Warning: Swoole\Table::column(): a string column requires a size of 1 to 16777216 bytes in %s on line 11

Warning: Swoole\Table::create(): the table was already created, or was destroyed in %s on line 11
bool(false)
bool(false)
bool(false)
bool(true)
bool(false)
bool(true)
array(3) {
  ["i"]=>
  int(7)
  ["f"]=>
  float(1)
  ["s"]=>
  string(4) "made"
}
int(1)
bool(false)

Warning: Swoole\Table::incr(): a string column cannot be incremented in %s on line 24
bool(false)
bool(false)
int(503)
bool(false)
int(2007)
int(2)
bool(true)
bool(false)
bool(false)

Warning: Swoole\Table::set(): the table is full: all its 76 rows are taken in %s on line 37

Warning: Swoole\Table::incr(): the table is full: all its 76 rows are taken in %s on line 37
int(74)
int(510)
bool(false)
bool(false)
int(76)
int(0)
array(8) {
  ["num"]=>
  int(0)
  ["conflict_count"]=>
  int(0)
  ["conflict_max_level"]=>
  int(0)
  ["insert_count"]=>
  int(76)
  ["update_count"]=>
  int(2001)
  ["delete_count"]=>
  int(76)
  ["available_slice_num"]=>
  int(12)
  ["total_slice_num"]=>
  int(12)
}
Trying to clone an uncloneable object of class Swoole\Table
bool(true)
the table was not created, or was destroyed: call create()
bool(true)
Swoole\Table 128 {"name":"four","hits":3,"share":0.5,"other":"eight by"}
falsefalsefalsefalsefalsefalse 5%d
