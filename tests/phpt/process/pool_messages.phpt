--TEST--
Process\Pool delivers messages by Unix sockets, queues and clients, in and outside coroutines; message bus; Manager
--EXTENSIONS--
swoole
posix
pcntl
--FILE--
<?php
require __DIR__ . '/../inc/pool.inc';
use Swoole\Process\{Manager, Pool};

echo "-- Unix sockets: in order, from the pool's own process too, long ones by the bus\n";
foreach ([false, true] as $coroutine) {
    echo implode("\n", pool(function ($journal) use ($coroutine) {
        $pool = new Pool(2, SWOOLE_IPC_UNIXSOCK, 0, $coroutine);
        $pool->set(['enable_message_bus' => true]);
        $pool->on('start', fn ($pool) => $pool->sendMessage('from the start', 1));
        $pool->on('workerStart', function ($pool, $id) use ($journal) {
            if ($id === 0) {
                foreach (range(1, 20) as $n) {
                    $pool->sendMessage("$n", 1) || $journal->record("$n was not sent");
                }
                $journal->record('a long ' . json_encode($pool->sendMessage(str_repeat('x', 3_000_000), 1)));
            }
        });
        $got = [];
        $pool->on('message', function ($pool, $data) use ($journal, &$got) {
            if (strlen($data) > 1000) {
                $journal->record('b ' . strlen($data) . ' behind ' . implode(' ', $got));
                $journal->record('c ' . json_encode([Swoole\Coroutine::getCid() > 0, @$pool->write('x')]));
                $pool->shutdown();
            }
            $got[] = $data;
        });
        $pool->start();
    })), "\n";
}

echo "-- without the bus a message that is too long is not sent\n";
echo implode("\n", pool(function ($journal) {
    $pool = new Pool(1, SWOOLE_IPC_UNIXSOCK);
    $pool->set(['max_package_size' => 100]);
    $pool->on('workerStart', fn ($pool) => $journal->record('a ' . json_encode([@$pool->sendMessage(str_repeat('x', 101), 0), $pool->sendMessage(str_repeat('x', 100), 0)])));
    $pool->on('message', function ($pool, $data) use ($journal) {
        $journal->record('b ' . strlen($data));
        $pool->shutdown();
    });
    $pool->start();
})), "\n";

echo "-- after max_request messages a worker is replaced, and none is lost\n";
foreach ([false, true] as $coroutine) {
    echo implode("\n", pool(function ($journal) use ($coroutine) {
        $pool = new Pool(1, SWOOLE_IPC_UNIXSOCK, 0, $coroutine);
        $pool->set(['max_request' => 3]);
        $pool->on('start', function ($pool) {
            foreach (range(1, 7) as $n) {
                $pool->sendMessage("$n", 0);
            }
        });
        [$life, $alive] = [new Swoole\Atomic(), 0];
        $pool->on('workerStart', function () use ($life, &$alive) { $alive = $life->add(); });
        $pool->on('message', function ($pool, $data) use ($journal, &$alive) {
            $journal->record("$data in life $alive");
            $data === '7' && $pool->shutdown();
        });
        $pool->start();
    })), "\n";
}

echo "-- pipes as sockets of coroutines\n";
echo implode("\n", pool(function ($journal) {
    $pool = new Pool(2, SWOOLE_IPC_UNIXSOCK, 0, true);
    $pool->on('workerStart', function ($pool, $id) use ($journal) {
        $socket = $pool->getProcess(0)->exportSocket();
        if ($id === 0) {
            $journal->record('a ' . $socket->recv(65536, 10));
            $socket->send('hello, one');
        } else {
            $socket->send('hello, zero');
            $journal->record('b ' . $socket->recv(65536, 10));
            $pool->shutdown();
        }
        while ($pool->workerRunning) {
            Swoole\Coroutine::sleep(0.01);
        }
        $journal->record("c $id is over");
    });
    $pool->start();
})), "\n";

echo "-- a queue that no coroutine waits for\n";
$key = 0x5b000000 + getmypid() % 65536;
$queue = new Swoole\Process(fn () => null);
$queue->useQueue($key, 2);
echo implode("\n", pool(function ($journal) use ($key) {
    $pool = new Pool(2, SWOOLE_IPC_MSGQUEUE, $key);
    $count = new Swoole\Atomic();
    $pool->on('message', function ($pool, $data) use ($journal, $count) {
        $journal->record($data);
        $count->add() === 5 && $pool->shutdown();
    });
    $pool->on('workerStop', fn ($pool, $id) => $journal->record("worker $id stops"));
    $pool->start();
    $pool = new Pool(1, SWOOLE_IPC_MSGQUEUE, $key, true);
    $pool->on('message', fn () => null);
    $journal->record('with coroutines ' . json_encode(@$pool->start()));
}, function () use ($queue) {
    foreach (range(1, 5) as $n) {
        $queue->push("job $n");
    }
})), "\n";
var_dump($queue->statQueue()['queue_num'], $queue->freeQueue());

echo "-- clients, several at once where there are coroutines\n";
foreach ([false, true] as $coroutine) {
    $free = stream_socket_server('tcp://127.0.0.1:0');
    $port = (int) substr(strrchr(stream_socket_get_name($free, false), ':'), 1);
    fclose($free);
    echo implode("\n", pool(function ($journal) use ($coroutine, $port) {
        $pool = new Pool(1, SWOOLE_IPC_SOCKET, 0, $coroutine);
        $pool->set(['max_package_size' => 100]);
        $journal->record('a ' . json_encode([$pool->listen('127.0.0.1', $port), @$pool->listen('no such host', 1)]));
        $pool->on('message', function ($pool, $data) use ($journal) {
            $data === 'end' && $pool->shutdown();
            $data === 'slow' && Swoole\Coroutine::getCid() > 0 && Swoole\Coroutine::sleep(0.3);
            $pool->write("you said ");
            $pool->write($data);
            $data === 'throw' && throw new Exception();
        });
        $pool->on('workerStart', function () {
            ini_set('display_errors', '0');
            ini_set('log_errors', '0');
        });
        $pool->on('workerStop', fn () => $journal->record('z stops'));
        $pool->start();
    }, function ($pid, $journal) use ($port) {
        $slow = connect($port);
        fwrite($slow, pack('N', 4) . 'slow');
        usleep(50000);
        $journal->record('b ' . bin2hex(substr(ask_pool($port, 'quick'), 0, 4)) . ' ' . substr(ask_pool($port, 'quick'), 4));
        $journal->record('c ' . substr(stream_get_contents($slow), 4));
        $journal->record('d ' . json_encode([ask_pool($port, str_repeat('x', 101)), ask_pool($port, 'throw'), substr(ask_pool($port, 'again'), 4)]));
        $stalls = connect($port);
        fwrite($stalls, "\0");
        $journal->record('e ' . substr(ask_pool($port, 'end'), 4));
    })), "\n";
}

echo "-- WorkerExit tells a worker with coroutines what keeps it\n";
echo implode("\n", pool(function ($journal) {
    $pool = new Pool(1, SWOOLE_IPC_NONE, 0, true);
    $pool->on('workerStart', function ($pool) use ($journal) {
        $GLOBALS['timer'] = Swoole\Timer::tick(10, fn () => null);
        $journal->record('a begins');
    });
    $pool->on('workerExit', function ($pool, $id) use ($journal) {
        Swoole\Timer::clear($GLOBALS['timer']);
        $journal->record("b exit $id");
    });
    $pool->on('workerStop', fn () => $journal->record('c stop'));
    $pool->start();
}, function ($pid, $journal) {
    $journal->await('begins');
    posix_kill($pid, SIGTERM);
})), "\n";

echo "-- Manager\n";
echo implode("\n", pool(function ($journal) {
    $manager = new Manager();
    $done = new Swoole\Atomic();
    $job = function ($pool, $id) use ($journal, $done) {
        $journal->record("worker $id in coroutine " . json_encode(Swoole\Coroutine::getCid() > 0) . ' ' . get_class($pool));
        // It asks before it is told to end, so that it ends in order.
        $pool->workerRunning && $done->add() === 4 && $pool->shutdown();
        while ($pool->workerRunning) {
            Swoole\Coroutine::getCid() > 0 ? Swoole\Coroutine::sleep(0.01) : usleep(1000);
        }
        $journal->record("worker $id ends");
    };
    $journal->record('a ' . json_encode([$manager->add($job) === $manager, $manager->addBatch(2, $job, true)->add($job)->getIPCType()]));
    $manager->setIPCType(SWOOLE_IPC_UNIXSOCK)->setMsgQueueKey(7);
    $journal->record('b ' . json_encode([$manager->getIPCType(), $manager->getMsgQueueKey(), (new Manager(SWOOLE_IPC_MSGQUEUE, 9))->getMsgQueueKey()]));
    $manager->start();
})), "\n";
try {
    (new Manager())->start();
} catch (Swoole\Exception $e) {
    echo $e->getMessage(), "\n";
}
?>
--EXPECT--
-- Unix sockets: in order, from the pool's own process too, long ones by the bus
a long true
b 3000000 behind from the start 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20
c [false,false]
pool over
a long true
b 3000000 behind from the start 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20
c [true,false]
pool over
-- without the bus a message that is too long is not sent
a [false,true]
b 100
pool over
-- after max_request messages a worker is replaced, and none is lost
1 in life 1
2 in life 1
3 in life 1
4 in life 2
5 in life 2
6 in life 2
7 in life 3
pool over
1 in life 1
2 in life 1
3 in life 1
4 in life 2
5 in life 2
6 in life 2
7 in life 3
pool over
-- pipes as sockets of coroutines
a hello, zero
b hello, one
c 0 is over
c 1 is over
pool over
-- a queue that no coroutine waits for
job 1
job 2
job 3
job 4
job 5
pool over
with coroutines false
worker 0 stops
worker 1 stops
int(0)
bool(true)
-- clients, several at once where there are coroutines
a [true,false]
b 0000000e you said quick
c you said slow
d ["","","you said again"]
e you said end
pool over
z stops
a [true,false]
b 0000000e you said quick
c you said slow
d ["","","you said again"]
e you said end
pool over
z stops
-- WorkerExit tells a worker with coroutines what keeps it
a begins
b exit 0
c stop
pool over
-- Manager
a [true,0]
b [1,7,9]
pool over
worker 0 ends
worker 0 in coroutine false Swoole\Process\Pool
worker 1 ends
worker 1 in coroutine true Swoole\Process\Pool
worker 2 ends
worker 2 in coroutine true Swoole\Process\Pool
worker 3 ends
worker 3 in coroutine false Swoole\Process\Pool
the number of workers must be 1 to 100000, not 0
