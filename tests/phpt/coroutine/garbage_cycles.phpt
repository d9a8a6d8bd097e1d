--TEST--
PHP's cycle collector sees the values that channels, schedulers, processes and servers hold
--EXTENSIONS--
swoole
--FILE--
<?php
use Swoole\Coroutine;
use Swoole\Coroutine\Channel;
use Swoole\Coroutine\Scheduler;

final class Node
{
    public static int $alive = 0;
    public mixed $holds;

    public function __construct()
    {
        self::$alive++;
    }

    public function __destruct()
    {
        self::$alive--;
    }

    public function run(): void
    {
    }
}

/** Creates ten cycles and prints how many are left before and after the collector ran. */
function cycles(string $what, callable $make): void
{
    gc_collect_cycles();
    for ($i = 0; $i < 10; $i++) {
        $make(new Node());
    }
    $before = Node::$alive;
    gc_collect_cycles();
    echo "$what: $before, then ", Node::$alive, "\n";
}

gc_disable();
Coroutine\run(function () {
    cycles('a channel with its holder', function (Node $node) {
        $node->holds = new Channel(3);
        $node->holds->push($node);
        $node->holds->push([1, 'two', [$node]]);
        $node->holds->push(fn () => $node);
    });
    cycles('a channel in itself', function (Node $node) {
        $channel = new Channel(2);
        $channel->push($channel);
        $channel->push($node);
    });
    cycles('two channels in each other', function (Node $node) {
        [$a, $b] = [new Channel(2), new Channel(2)];
        $a->push($b);
        $b->push($a);
        $b->push($node);
    });
    cycles('a channel with properties of its own', function (Node $node) {
        $channel = new class (2) extends Channel {
            public mixed $declared;
        };
        $channel->declared = $node;
        $channel->push([$channel]);
        $node->holds = $channel;
    });

    // Values that are still referenced stay.
    $kept = new Channel(2);
    $kept->push(new Node());
    $node = new Node();
    $node->holds = $kept;
    $kept->push($node);
    unset($node);
    gc_collect_cycles();
    gc_collect_cycles();
    echo 'kept: ', Node::$alive, ', ', get_class($kept->pop()), ', ', $kept->pop()->holds === $kept ? 'the same' : 'another', "\n";
    unset($kept);
    gc_collect_cycles();
    echo 'let go: ', Node::$alive, "\n";

    // A channel that a coroutine waits on is kept, though nothing else refers to it.
    $id = Coroutine::create(function () {
        $node = new Node();
        $node->holds = new Channel();
        $node->holds->push($node);
        $node->holds->push($node);
        echo "never\n";
    });
    gc_collect_cycles();
    echo 'waits: ', Node::$alive, "\n";
    Coroutine::cancel($id);
    gc_collect_cycles();
    echo 'cancelled: ', Node::$alive, "\n";
});

cycles('a scheduler', function (Node $node) {
    $node->holds = new Scheduler();
    $node->holds->add([$node, 'run']);
    $node->holds->add(fn ($other) => $node, [$node]);
    $node->holds->parallel(2, $node->run(...));
});
cycles('a process', function (Node $node) {
    $node->holds = new Swoole\Process(fn () => $node);
    $socket = $node->holds->exportSocket();
    @$socket->node = $node;
});

$node = new Node();
$server = new Swoole\Server('127.0.0.1', 0);
$port = $server->listen('127.0.0.1', 0, SWOOLE_SOCK_TCP);
$server->addProcess(new Swoole\Process(fn () => [$server, $node]));
$server->on('receive', fn () => $server);
unset($server, $node);
echo 'a server: ', Node::$alive, ', then ';
gc_collect_cycles();
echo Node::$alive, "\n";
unset($port);
?>
--EXPECT--
a channel with its holder: 10, then 0
a channel in itself: 10, then 0
two channels in each other: 10, then 0
a channel with properties of its own: 10, then 0
kept: 2, Node, the same
let go: 0
waits: 1
never
cancelled: 0
a scheduler: 10, then 0
a process: 10, then 0
a server: 1, then 0
