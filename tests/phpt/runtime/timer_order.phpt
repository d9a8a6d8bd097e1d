--TEST--
Timers fire in the order of deadline, then of creation; the end of the script runs them
--EXTENSIONS--
swoole
--FILE--
<?php
foreach ([900, 700, 800, 700] as $n => $ms) {
    Swoole\Timer::after($ms, fn () => print("$ms ms, added as number $n\n"));
}
swoole_timer_after(50, fn (...$args) => print('arguments ' . json_encode($args) . "\n"), 'a', [1]);
$id = Swoole\Timer::tick(40, function (int $id, string $word) {
    static $n = 0;
    if (++$n === 2) {
        echo "tick $n $word ", json_encode([Swoole\Timer::clear($id), Swoole\Timer::clear($id), Swoole\Timer::exists($id)]), "\n";
    }
}, 'word');
echo json_encode(Swoole\Timer::list()->getArrayCopy()), ' ', get_class(Swoole\Timer::list()), "\n";
echo "end of the script\n";
?>
--EXPECT--
[6,5,4,3,2,1] Swoole\Timer\Iterator
end of the script
arguments ["a",[1]]
tick 2 word [true,false,false]
700 ms, added as number 1
700 ms, added as number 3
800 ms, added as number 2
900 ms, added as number 0
