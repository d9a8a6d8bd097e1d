--TEST--
Fifty thousand coroutines on one channel are woken in order when it is closed; cancellation and timeouts leave no trace
--EXTENSIONS--
swoole
--INI--
memory_limit=-1
--FILE--
<?php
use Swoole\Coroutine as Co;
Co\run(function () {
    $ch = new Co\Channel(1);
    $told = 0; $order = true;
    for ($i = 0; $i < 50000; $i++) go(function () use ($ch, $i, &$told, &$order) { $r = $ch->pop(); $order = $order && $r === false && $told === $i; $told++; });
    echo 'waiting ', $ch->stats()['consumer_num'], "\n";
    $ch->close();
    echo "told $told in order ", var_export($order, true), ' left ', Co::stats()['coroutine_num'], "\n";
    $ch = new Co\Channel(2);
    $ids = [];
    for ($i = 0; $i < 100; $i++) $ids[] = go(fn () => $ch->pop($i % 3 === 0 ? 0.002 : -1));
    Co::sleep(0.02);
    foreach ($ids as $i => $id) if ($i % 3 === 1) Co::cancel($id);
    echo 'left ', $ch->stats()['consumer_num'], "\n";
    for ($i = 0; $i < 33; $i++) $ch->push($i);
    echo 'left ', $ch->stats()['consumer_num'], ' queued ', $ch->length(), ' alive ', Co::stats()['coroutine_num'], "\n";
    $ch->push('kept');
    echo $ch->pop(), "\n";
});
?>
--EXPECT--
waiting 50000
told 50000 in order true left 1
left 33
left 0 queued 0 alive 1
kept
