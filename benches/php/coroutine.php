<?php
// The cost of coroutines: a switch to one and back, creation and end, a message through a channel; many alive, and
// a million one after the other.
use Swoole\Coroutine as Co;

ini_set('memory_limit', -1);
Co::set(['max_coroutine' => 1000000, 'enable_deadlock_check' => false]);

const TIMES = 300000;
$best = function (callable $round): float {
    $best = INF;
    for ($n = 0; $n < 9; $n++) {
        $best = min($best, $round());
    }
    return $best;
};
$rss = function () {
    preg_match('/VmRSS:\s+(\d+)/', file_get_contents('/proc/self/status'), $m);
    return $m[1] * 1024;
};
Co\run(function () use ($best, $rss) {
    printf("  a switch to a coroutine and back: %.0f ns (goal 85)\n", $best(function () {
        $stop = false;
        $id = go(function () use (&$stop) {
            while (!$stop) {
                Co::yield();
            }
        });
        $begin = hrtime(true);
        for ($n = 0; $n < TIMES; $n++) {
            Co::resume($id);
        }
        $took = hrtime(true) - $begin;
        $stop = true;
        Co::resume($id);
        return $took / TIMES;
    }));
    printf("  created and finished: %.0f ns (goal 250)\n", $best(function () {
        $nothing = function () {};
        $begin = hrtime(true);
        for ($n = 0; $n < TIMES; $n++) {
            go($nothing);
        }
        return (hrtime(true) - $begin) / TIMES;
    }));
    printf("  a message through a channel: %.0f ns (goal 100)\n", $best(function () {
        $channel = new Co\Channel(1);
        go(function () use ($channel) {
            while ($channel->pop() !== false);
        });
        $begin = hrtime(true);
        for ($n = 0; $n < TIMES; $n++) {
            $channel->push($n);
        }
        $took = hrtime(true) - $begin;
        $channel->close();
        return $took / TIMES;
    }));
    $before = $rss();
    $begin = hrtime(true);
    for ($n = 0; $n < 100000; $n++) {
        go(fn () => Co::yield());
    }
    $took = (hrtime(true) - $begin) / 1e9;
    printf("  100,000 alive: %.1f KB each (goal 10), created in %.2f s (goal 3)\n", ($rss() - $before) / 100000 / 1024, $took);
    foreach (Co::list() as $id) {
        $id === Co::getCid() || Co::resume($id);
    }
    $before = $rss();
    for ($n = 0; $n < 1000000; $n++) {
        go(function () {});
    }
    printf("  a million, one after the other: %d KB more memory\n", ($rss() - $before) / 1024);
});
