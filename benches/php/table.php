<?php
// The cost of the shared structures from PHP, in nanoseconds: the best of five rounds, and a call of an empty method.
$table = new Swoole\Table(1 << 20);
$table->column('n', Swoole\Table::TYPE_INT);
$table->column('s', Swoole\Table::TYPE_STRING, 48);
$table->column('f', Swoole\Table::TYPE_FLOAT);
$table->create();
$bench = function (string $what, callable $run, string $goal = '', float $loop = 0) use (&$keys) {
    $best = INF;
    for ($round = 0; $round < 5; $round++) {
        $begun = hrtime(true);
        $run($keys);
        $best = min($best, (hrtime(true) - $begun) / count($keys));
    }
    printf("  %-28s %5.1f%s\n", $what, $best - $loop, $goal);
    return $best;
};
$row = ['n' => 5, 's' => 'some text of a row', 'f' => 1.5];
// Keys lie in memory in the order of their use: loading a key is not a cost of the table.
$numbers = function (int $count): array {
    $numbers = range(0, $count - 1);
    shuffle($numbers);
    return $numbers;
};
$before = [];
mt_srand(5);
foreach ([[10000, 'as they were set'], [100000, 'as they were set'], [100000, 'in another order']] as [$count, $order]) {
    echo " $count keys, $order\n";
    $before[] = $keys = array_map(fn ($n) => "key-$n", $numbers($count));
    if ($order === 'as they were set') {
        foreach ($table as $key => $_) {
            $table->del($key);
        }
    }
    $bench('PHP, set a row', function ($keys) use ($table, $row) { foreach ($keys as $key) { $table->set($key, $row); } }, ' (goal 300, Swoole 715)');
    $bench('PHP, get a row', function ($keys) use ($table) { foreach ($keys as $key) { $table->get($key); } }, ' (goal 250, Swoole 658)');
    $bench('PHP, get a field', function ($keys) use ($table) { foreach ($keys as $key) { $table->get($key, 'n'); } }, ' (goal 130, Swoole 574)');
    $bench('PHP, incr', function ($keys) use ($table) { foreach ($keys as $key) { $table->incr($key, 'n'); } }, ' (goal 130, Swoole 599)');
    $bench('PHP, exists', function ($keys) use ($table) { foreach ($keys as $key) { $table->exists($key); } });
    $bench('PHP, the key looked at', function ($keys) { foreach ($keys as $key) { ord($key); } });
}
echo " without the loop around them\n";
$loop = $bench('PHP, an empty loop', function ($keys) { foreach ($keys as $_) { } });
$bench('PHP, a method of its own', function ($keys) { $o = new ArrayObject(); foreach ($keys as $_) { $o->count(); } }, ' (ArrayObject::count)', $loop);
$atomic = new Swoole\Atomic();
$bench('PHP, Atomic get', function ($keys) use ($atomic) { foreach ($keys as $_) { $atomic->get(); } }, '', $loop);
$bench('PHP, Atomic add', function ($keys) use ($atomic) { foreach ($keys as $_) { $atomic->add(); } }, ' (goal 13, Swoole 14)', $loop);
