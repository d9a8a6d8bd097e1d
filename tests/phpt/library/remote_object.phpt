--TEST--
Remote objects: those of a coroutine live in one worker, are freed with their owners, need the key, and keep exceptions' codes
--EXTENSIONS--
swoole
pcntl
posix
--FILE--
<?php
use Swoole\Coroutine as Co;
use Swoole\RemoteObject\{Client, Exception, Server};
class Counter { public int $n = 0; function add(int $by = 1): int { return $this->n += $by; } function pid(): int { return getmypid(); } function self() { return $this; } function fail() { throw new LogicException('bad', 7); } }
function alive(): int { return count(array_filter(swoole_get_objects(), fn ($o) => $o instanceof Counter)); }
$free = stream_socket_server('tcp://127.0.0.1:0');
$port = (int) substr(strrchr(stream_socket_get_name($free, false), ':'), 1);
fclose($free);
if (!$pid = pcntl_fork()) {
    fclose(STDOUT);
    $output = fopen('/dev/null', 'w');
    (new Server('127.0.0.1', $port, ['worker_num' => 3, 'api_key' => 'secret', 'log_level' => SWOOLE_LOG_ERROR]))->start();
    exit;
}
Co\run(function () use ($port) {
    $client = new Client('127.0.0.1', $port, ['api_key' => 'secret']);
    for ($i = 0; $i < 1000 && !$client->ping(); $i++) {
        Co::sleep(0.01);
    }
    echo 'with another key: ', json_encode((new Client('127.0.0.1', $port, ['api_key' => 'wrong']))->ping()), "\n";
    $group = new Co\WaitGroup();
    $good = 0;
    for ($i = 0; $i < 30; $i++) {
        $group->add();
        go(function () use ($client, $group, &$good) {
            $counter = $client->create('Counter');
            $pid = $counter->pid();
            for ($n = 1; $n <= 5; $n++) {
                $good += $counter->add() === $n && $counter->pid() === $pid && $counter->self()->add(0) === $n;
                Co::sleep(0.001);
            }
            $group->done();
        });
    }
    $group->wait();
    echo "$good of 150 calls reached their own object\n";
    $counter = $client->create('Counter');
    // An object may be used by other coroutines too.
    go(fn () => $counter->add(5));
    Co::sleep(0.05);
    echo 'n is ', $counter->n, ', ', $client->call('alive') , " alive in this worker\n";
    unset($counter);
    echo $client->call('alive'), " after it was freed\n";
    try {
        $client->create('Counter')->fail();
    } catch (Exception $e) {
        echo $e->getMessage(), ' ', $e->getCode(), "\n";
    }
    try {
        $client->call('no_such_function');
    } catch (Exception $e) {
        echo $e->getMessage(), "\n";
    }
    $list = $client->create('ArrayObject', ['a' => 1]);
    $list['b'] = [2];
    unset($list['a']);
    echo json_encode([count($list), isset($list['a']), $list['b'], $list->getArrayCopy()]), "\n";
});
posix_kill($pid, SIGTERM);
pcntl_waitpid($pid, $status);
try {
    new Server('0.0.0.0', $port);
} catch (Exception $e) {
    echo $e->getMessage(), "\n";
}
swoole_init_default_remote_object_server();
Co\run(fn () => print(swoole_get_default_remote_object_client()->call('strrev', 'abc') . " by the default server\n"));
?>
--EXPECT--
with another key: false
150 of 150 calls reached their own object
n is 5, 1 alive in this worker
0 after it was freed
bad 7
there is no function no_such_function
[1,false,[2],{"b":[2]}]
0.0.0.0 can be reached from other machines: the option api_key is needed
cba by the default server
