--TEST--
A timer's values are dropped while nothing is borrowed: a destructor may use timers
--EXTENSIONS--
swoole
--FILE--
<?php
final class Holder
{
    public function __construct(private string $name)
    {
    }
    public function run(): void
    {
    }
    public function __destruct()
    {
        echo $this->name, ' gone, left ', count(Swoole\Timer::list()), "\n";
        if ($this->name === 'first') {
            Swoole\Timer::after(1, [new Holder('second'), 'run']);
        }
    }
}
$id = Swoole\Timer::after(5000, [new Holder('first'), 'run']);
Swoole\Timer::clear($id);
Swoole\Timer::after(3, fn () => null, new Holder('argument'));
Swoole\Event::wait();
Swoole\Timer::after(5000, [new Holder('at the end'), 'run']);
Swoole\Timer::clearAll();
echo "end\n";
?>
--EXPECT--
first gone, left 0
second gone, left 1
argument gone, left 0
at the end gone, left 0
end
