--TEST--
Coroutines give equal results under opcache with the JIT off, in function mode and in tracing mode
--EXTENSIONS--
swoole
--SKIPIF--
<?php
function_exists('opcache_get_status') || die('skip opcache is not there');
function_exists('shell_exec') || die('skip shell_exec is needed');
?>
--FILE--
<?php
$program = tempnam(sys_get_temp_dir(), 'co_jit');
file_put_contents($program, <<<'PHP'
<?php
use Swoole\Coroutine as Co;

function squares(int $from, int $to): Generator { for ($n = $from; $n < $to; $n++) { yield $n => $n * $n; $n % 50 === 0 && Co::sleep(0.001); } }
class Node { public function __construct(public int $value, public ?Node $next = null) {} public function sum(): int { $sum = 0; for ($at = $this; $at; $at = $at->next) { $sum += $at->value; $at->value % 64 || Co::sleep(0.001); } return $sum; } }

Co\run(function () {
    $channel = new Co\Channel(3);
    $group = new Co\WaitGroup;
    $total = 0;
    for ($k = 0; $k < 20; $k++) {
        $group->add();
        go(function () use ($k, $channel, $group) {
            Co::defer(fn () => $group->done());
            $sum = 0.0;
            foreach (squares($k * 100, $k * 100 + 100) as $n => $square) { $sum += $square / 2; try { $n % 77 || throw new LogicException((string) $n); } catch (LogicException $e) { $sum += (int) $e->getMessage(); } finally { $sum -= 1; } }
            $channel->push($sum);
        });
    }
    go(function () use ($channel, &$total) { while (($sum = $channel->pop(5)) !== false) $total += $sum; });
    $group->wait();
    $list = null;
    for ($n = 1; $n <= 500; $n++) $list = new Node($n, $list);
    $sums = array_map(fn ($list) => $list->sum(), [$list, $list->next, $list->next->next]);
    $text = '';
    for ($n = 0; $n < 300; $n++) { $text .= chr(97 + $n % 26); if ($n % 100 === 0) Co::sleep(0.001); }
    // Recursion and references across waits.
    $walk = function (array &$tree, int $depth) use (&$walk): int { if ($depth === 0) { Co::sleep(0.001); return $tree['leaves'] = ($tree['leaves'] ?? 0) + 1; } return $walk($tree, $depth - 1) + $walk($tree, $depth - 1); };
    $tree = [];
    $leaves = $walk($tree, 4);
    Co::sleep(0.01);
    $channel->close();
    echo json_encode(opcache_get_status()['jit']['on'] ?? false), ' ', json_encode([$total, $sums, crc32($text), $leaves, $tree]), "\n";
    // Many switches in a hot loop.
    $count = 0;
    $me = Co::getCid();
    $other = go(function () use (&$count) { try { while (true) { Co::yield(); $count++; } } catch (Co\CanceledException) { echo "cancelled\n"; } });
    for ($n = 0; $n < 20000; $n++) Co::resume($other);
    echo $count, "\n";
    Co::cancel($other, true);
});
PHP);
$php = (getenv('TEST_PHP_EXECUTABLE') ?: PHP_BINARY) . ' ' . getenv('TEST_PHP_EXTRA_ARGS');
foreach (['off' => 'disable', 'function' => 'function', 'tracing' => 'tracing'] as $name => $jit) {
    $options = ['opcache.enable_cli=1', 'opcache.file_update_protection=0', "opcache.jit=$jit", 'opcache.jit_buffer_size=32M', 'opcache.jit_hot_func=2', 'opcache.jit_hot_loop=2', 'display_errors=1'];
    echo "$name: ", shell_exec($php . ' -d ' . implode(' -d ', $options) . " $program 2>&1");
}
unlink($program);
?>
--EXPECT--
off: false [1332356525,[125250,124750,124251],3855718378,136,{"leaves":16}]
20000
cancelled
function: true [1332356525,[125250,124750,124251],3855718378,136,{"leaves":16}]
20000
cancelled
tracing: true [1332356525,[125250,124750,124251],3855718378,136,{"leaves":16}]
20000
cancelled
