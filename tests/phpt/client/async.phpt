--TEST--
An asynchronous client calls back for all events, pauses and sends more than the kernel takes
--EXTENSIONS--
swoole
pcntl
--FILE--
<?php
use Swoole\Async\Client;
$listen = stream_socket_server('tcp://127.0.0.1:0');
$port = (int) substr(strrchr(stream_socket_get_name($listen, false), ':'), 1);
function client(array $on, int $type = SWOOLE_SOCK_TCP): Client
{
    $client = new Client($type);
    foreach (['connect', 'receive', 'close', 'error', 'bufferFull', 'bufferEmpty'] as $event) {
        $client->on($event, function ($client, $data = null) use ($event, $on) {
            echo "  $event", $data === null ? '' : ' ' . (strlen($data) > 20 ? strlen($data) . ' bytes' : json_encode($data)), $event === 'error' ? " $client->errCode" : '', "\n";
            ($on[$event] ?? fn () => null)($client);
        });
    }
    return $client;
}
/** Serves one connection in another process. */
function serve(callable $serve): int
{
    global $listen;
    if (!$pid = pcntl_fork()) {
        $serve(stream_socket_accept($listen, 5));
        posix_kill(getmypid(), SIGKILL);
    }
    return $pid;
}
echo "packets\n";
$pid = serve(function ($s) { fwrite($s, "a\nb\nc"); fread($s, 1); fwrite($s, "\n"); });
$client = client(['receive' => function ($client) { static $n = 0; if (++$n === 2) $client->send('!'); }]);
$client->set(['open_eof_split' => true, 'package_eof' => "\n", 'buffer_high_watermark' => 100]);
$client->connect('127.0.0.1', $port);
Swoole\Event::wait();
pcntl_waitpid($pid, $status);

echo "asleep\n";
$pid = serve(function ($s) { fwrite($s, 'one'); usleep(30000); fwrite($s, 'two'); usleep(60000); });
$client = client(['connect' => function ($client) {
    $client->sleep();
    Swoole\Timer::after(60, function () use ($client) { echo "  wakeup\n"; $client->wakeup(); });
}]);
$client->connect('127.0.0.1', $port);
Swoole\Event::wait();
pcntl_waitpid($pid, $status);

echo "much data\n";
$flag = sys_get_temp_dir() . '/full' . getmypid();
$pid = serve(function ($s) use ($flag) { while (!file_exists($flag)) usleep(1000); for ($n = 0; $n < 8 << 20; $n += strlen(fread($s, 1 << 16))); fwrite($s, 'all'); fread($s, 1); });
$client = client(['connect' => fn ($client) => $client->send(str_repeat('x', 8 << 20)), 'receive' => fn ($client) => $client->close(), 'bufferFull' => fn () => touch($flag)]);
$client->set(['buffer_high_watermark' => 1 << 20]);
$client->connect('127.0.0.1', $port);
Swoole\Event::wait();
pcntl_waitpid($pid, $status);

unlink($flag);

echo "refused\n";
client([])->connect('127.0.0.1', 1, 1);
Swoole\Event::wait();
echo "no callbacks kept the process waiting\n";
?>
--EXPECT--
packets
  connect
  receive "a\n"
  receive "b\n"
  receive "c\n"
  close
asleep
  connect
  wakeup
  receive "onetwo"
  close
much data
  connect
  bufferFull
  bufferEmpty
  receive "all"
  close
refused
  error 111
no callbacks kept the process waiting
