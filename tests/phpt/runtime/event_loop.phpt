--TEST--
Event runs deferred calls and cycle callbacks, and exits
--EXTENSIONS--
swoole
--FILE--
<?php
use Swoole\Event;
Event::defer(function () {
    echo "deferred\n";
    Event::defer(fn () => print("deferred in the next turn\n"));
});
$turns = 0;
Event::cycle(function () use (&$turns) {
    if (++$turns === 2) {
        var_dump(Event::cycle(null), Event::cycle(null));
    }
});
Event::wait();
echo "turns $turns\n";
Swoole\Timer::tick(1, function () {
    echo "leave\n";
    Event::exit();
});
Event::wait();
var_dump(count(Swoole\Timer::list()));
?>
--EXPECT--
deferred
deferred in the next turn
bool(true)
bool(false)
turns 2
leave
int(0)
