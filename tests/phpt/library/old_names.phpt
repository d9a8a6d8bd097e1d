--TEST--
Names of the first years: swoole_client of both kinds, asynchronous files, buffers, a channel between processes, mapped files
--EXTENSIONS--
swoole
pcntl
--FILE--
<?php
$listen = stream_socket_server('tcp://127.0.0.1:0');
$port = (int) substr(strrchr(stream_socket_get_name($listen, false), ':'), 1);
$pid = pcntl_fork();
if (!$pid) {
    for ($i = 0; $i < 2; $i++) {
        $s = stream_socket_accept($listen);
        fwrite($s, strtoupper(fread($s, 100)));
        fclose($s);
    }
    posix_kill(getmypid(), SIGKILL);
}
$client = new swoole_client(SWOOLE_SOCK_TCP);
echo json_encode([$client->connect('127.0.0.1', $port, 1), $client->send('sync'), $client->recv(), $client instanceof Swoole\Client]), "\n";
$client = new swoole_client(SWOOLE_SOCK_TCP, SWOOLE_SOCK_ASYNC);
$client->on('connect', fn ($client) => $client->send('async'));
$client->on('receive', fn ($client, $data) => print("received $data\n"));
$client->on('error', fn () => print("error\n"));
$client->on('close', fn () => print("closed\n"));
$client->connect('127.0.0.1', $port, 1);
swoole_event_wait();
pcntl_waitpid($pid, $status);

$file = sys_get_temp_dir() . '/old' . getmypid();
swoole_async_writefile($file, 'one two three', function ($name) use ($file) {
    swoole_async_readfile($name, function ($name, $content) use ($file) {
        echo "read: $content\n";
        swoole_async_write($file, 'TWO', 4, function () use ($file) {
            swoole_async_write($file, '!', -1, function () use ($file) {
                swoole_async_read($file, fn ($name, $piece) => print("piece: $piece\n"), 6, 4);
            });
        });
    });
});
echo "written later\n";
swoole_event_wait();
swoole_async_dns_lookup('localhost', fn ($name, $ip) => print("$name is $ip\n"));
swoole_event_wait();

$buffer = new swoole_buffer(4);
echo json_encode([$buffer->append('hello world'), $buffer->write(6, 'W'), $buffer->substr(0, 6, true), (string) $buffer, $buffer->length, $buffer->capacity, $buffer->read(-3, 2)]), "\n";

$channel = new Swoole\Channel(1 << 20);
for ($i = 0; $i < 4; $i++) {
    if (!pcntl_fork()) {
        for ($n = 0; $n < 100; $n++) {
            while (!$channel->push([$i, str_repeat('x', $n * 10)])) usleep(100);
        }
        posix_kill(getmypid(), SIGKILL);
    }
}
$seen = [];
while (array_sum($seen) < 400) {
    if (($value = $channel->pop()) === false) { usleep(100); continue; }
    $seen[$value[0]] = ($seen[$value[0]] ?? 0) + (strlen($value[1]) % 10 === 0);
}
while (pcntl_wait($status) > 0);
ksort($seen);
$channel->push('last');
echo json_encode($seen), ' ', $channel->peek(), ' ', $channel->stats()['queue_num'], ' ', $channel->pop(), ' ', json_encode($channel->pop()), "\n";

$map = swoole_mmap::open($file, 8192);
fwrite($map, 'shared');
if (!pcntl_fork()) {
    $other = Swoole\Mmap::open($file, 8192);
    fread($other, 6);
    fwrite($other, ' by all');
    posix_kill(getmypid(), SIGKILL);
}
pcntl_wait($status);
fseek($map, 0);
echo fread($map, 13), ' ', fstat($map)['size'], ' ', json_encode(Swoole\Serialize::unpack(Swoole\Serialize::pack(['a' => 1]))), "\n";
unlink($file);

class Pool extends Swoole\Coroutine\ObjectPool { public int $n = 0; function create() { return 'object ' . ++$this->n; } }
Co\run(function () {
    $pool = new Pool('test', 1, 2);
    for ($i = 0; $i < 5; $i++) {
        go(function () use ($pool) { $object = $pool->get(); Co::sleep(0.001); echo $object === $pool->get() ? $object : 'another', "\n"; });
    }
});
try {
    class_exists('OpenSwoole\Table') || print("OpenSwoole's names are off\n");
} finally {
    echo shell_exec(PHP_BINARY . ' -n -d swoole.openswoole_names=1 -d extension=' . escapeshellarg(preg_match('~/\S+(swoosh_php|swoole)\.so~', file_get_contents('/proc/self/maps'), $m) ? $m[0] : '')
        . ' -r ' . escapeshellarg('use OpenSwoole\Table; $t = new Table(8); echo get_class($t), " ", OpenSwoole\Constant::SOCK_TCP, " ", OpenSwoole\Util::getCPUNum() > 0 ? "cores" : "", " "; Co\run(fn () => print(get_class(new OpenSwoole\Coroutine\Channel(1)) . "\n"));'));
}
?>
--EXPECT--
[true,4,"SYNC",true]
received ASYNC
closed
written later
read: one two three
piece: TWO th
piece: ree!
piece: 
localhost is 127.0.0.1
[11,11,"hello ","World",5,16,"rl"]
[100,100,100,100] last 1 last false
shared by all 8192 {"a":1}
object 1
object 2
object 1
object 2
object 1
OpenSwoole's names are off
Swoole\Table 1 cores Swoole\Coroutine\Channel
