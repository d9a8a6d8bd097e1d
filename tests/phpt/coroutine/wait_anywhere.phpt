--TEST--
A coroutine can wait wherever PHP code runs: callbacks, generators, destructors, buffers, Fibers, finally, autoloaders
--EXTENSIONS--
swoole
--FILE--
<?php
use Swoole\Coroutine as Co;
class Ser { function __destruct() { Co::sleep(0.001); } function __serialize(): array { Co::sleep(0.001); return [1]; } }
spl_autoload_register(function ($class) { Co::sleep(0.003); eval("class $class { const X = '$class'; }"); });
Co\run(function () {
    $log = [];
    for ($k = 0; $k < 3; $k++) $all[] = go(function () use ($k, &$log) {
        ob_start(); echo "buf$k-a "; Co::sleep(0.002 * (3 - $k)); echo "buf$k-b"; $s = ob_get_clean();
        $log[] = $s;
        $r = array_map(function ($x) { Co::sleep(0.001); return $x * 2; }, [1, 2, 3]);
        usort($r, function ($a, $b) { Co::sleep(0.001); return $b <=> $a; });
        $g = (function () use ($k) { for ($i = 0; $i < 3; $i++) { Co::sleep(0.001); yield "$k:$i"; } })();
        $out = [];
        foreach ($g as $v) $out[] = $v;
        $level = error_reporting();
        @(function () { Co::sleep(0.002); })();
        $f = new Fiber(function ($a) use ($k) { Co::sleep(0.001); $b = Fiber::suspend("s$k$a"); Co::sleep(0.002); $c = Fiber::suspend("t$k$b"); return "r$k$c"; });
        $out[] = $f->start('A'); Co::sleep(0.001 * ($k + 1)); $out[] = $f->resume('B'); $f->resume('C'); $out[] = $f->getReturn();
        try { (function () { try { Co::sleep(0.001); throw new LogicException('z'); } finally { Co::sleep(0.001); } })(); } catch (LogicException $e) { $out[] = 'caught ' . $e->getMessage(); }
        $o = new Ser;
        $out[] = serialize($o) === 'O:3:"Ser":1:{i:0;i:1;}' ? 'serialised' : 'broken';
        unset($o);
        $out[] = preg_replace_callback('/\d/', function ($m) { Co::sleep(0.001); return $m[0] + 1; }, 'a1b2');
        $out[] = constant("Late$k::X");
        ob_start(function ($s) { Co::sleep(0.001); return strtoupper($s); }); echo 'callback'; $out[] = ob_get_contents(); ob_end_clean();
        $log[] = implode(',', $r) . ' ' . implode(' ', $out) . ' ' . ($level === error_reporting() ? 'level kept' : 'level lost');
    });
    Co::join($all);
    sort($log);
    echo implode("\n", $log), "\n";
});
echo "done\n";
?>
--EXPECT--
6,4,2 0:0 0:1 0:2 s0A t0B r0C caught z serialised a2b3 Late0 callback level kept
6,4,2 1:0 1:1 1:2 s1A t1B r1C caught z serialised a2b3 Late1 callback level kept
6,4,2 2:0 2:1 2:2 s2A t2B r2C caught z serialised a2b3 Late2 callback level kept
buf0-a buf0-b
buf1-a buf1-b
buf2-a buf2-b
done
