--TEST--
A broadcast with one slow consumer: the others get every message, the process stays small, and the slow one misses messages, is closed, or holds only its own sender
--EXTENSIONS--
swoole
pcntl
posix
--FILE--
<?php
require __DIR__ . '/../inc/server.inc';
const MESSAGES = 140;
const SIZE = 256 * 1024;
function handshake(int $port)
{
    $c = connect($port);
    stream_set_timeout($c, 30);
    fwrite($c, "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " . base64_encode('0123456789abcdef') . "\r\n\r\n");
    while (trim((string) fgets($c)) !== '');
    return $c;
}
/** How many whole messages arrive, until the last one. A reader confirms every eighth, which sets the pace. */
function messages($c, bool $confirms = false): int
{
    $count = 0;
    while (strlen($head = (string) stream_get_contents($c, 10)) === 10) {
        $length = unpack('J', substr($head, 2))[1];
        $text = stream_get_contents($c, $length);
        $count += strlen($text) === SIZE;
        if ($confirms && $count % 8 === 0) {
            fwrite($c, "\x81\x82\0\0\0\0ok");
        }
        if (str_starts_with($text, 'last')) {
            break;
        }
    }
    return $count;
}
/** Like serve(), with a server of WebSocket. */
function broadcast(callable $setup, callable $client, int $mode): array
{
    $journal = new Journal();
    if (($pid = pcntl_fork()) === 0) {
        $server = new Swoole\WebSocket\Server('127.0.0.1', 0, $mode);
        $setup($server, $journal);
        if (($child = pcntl_fork()) === 0) {
            $client([$server->port], $journal);
            posix_kill(posix_getppid(), SIGTERM);
            posix_kill(getmypid(), SIGKILL);
        }
        $server->start();
        posix_kill(getmypid(), SIGKILL);
    }
    pcntl_waitpid($pid, $status);
    return $journal->end();
}
foreach (MODES as $name => $mode) {
    foreach (['drop', 'close', 'a coroutine for each'] as $policy) {
        $apart = $policy === 'a coroutine for each';
        $lines = broadcast(function ($server, $journal) use ($policy, $apart) {
            $server->set(['worker_num' => 1, 'socket_buffer_size' => 4 << 20, 'send_yield' => $apart, 'send_timeout' => 0.5,
                'slow_consumer' => $apart ? 'drop' : $policy, 'log_level' => SWOOLE_LOG_NONE]);
            $confirmed = 0;
            $server->on('message', function ($server, $frame) use ($journal, $apart, &$confirmed) {
                if ($frame->data === 'ok') {
                    return $confirmed++;
                }
                $largest = 0;
                $failed = false;
                for ($n = 1; $n <= MESSAGES; $n++) {
                    $text = str_pad($n === MESSAGES ? 'last' : "$n", SIZE, '.');
                    foreach ($server->connections as $fd) {
                        $push = function () use ($server, $fd, $text, &$failed) {
                            $failed = !@$server->push($fd, $text) || $failed;
                        };
                        $apart ? go($push) : $push();
                    }
                    while ($confirmed < 3 * intdiv($n, 8)) {
                        Co::sleep(0.001);
                    }
                    preg_match('/VmRSS:\s+(\d+)/', file_get_contents("/proc/$server->master_pid/status") . file_get_contents('/proc/self/status'), $match);
                    $largest = max($largest, (int) $match[1]);
                }
                // Coroutines that hold a message for the slow one give up after send_timeout.
                for ($n = 0; $apart && !$failed && $n < 1000; $n++) {
                    Co::sleep(0.01);
                }
                $journal->record('refused ' . json_encode($failed) . ', below 300 MB ' . json_encode($largest < 300_000));
            });
        }, function ($ports, $journal) {
            $slow = handshake($ports[0]);
            stream_set_timeout($slow, 1);
            $readers = [];
            for ($n = 0; $n < 3; $n++) {
                if (($readers[] = pcntl_fork()) === 0) {
                    $c = handshake($ports[0]);
                    $journal->record('ready');
                    $journal->record('reader ' . messages($c, true));
                    posix_kill(getmypid(), SIGKILL);
                }
            }
            wait_for(fn () => $journal->count('ready') === 3);
            fwrite($slow, "\x81\x82\0\0\0\0go");
            foreach ($readers as $reader) {
                pcntl_waitpid($reader, $status);
            }
            $journal->await('refused');
            $journal->record('the slow one: ' . (messages($slow) < MESSAGES ? 'not all' : 'all'));
        }, $mode);
        $lines = array_diff($lines, ['ready']);
        sort($lines);
        echo "$name, $policy: ", implode('; ', array_unique($lines)), "\n";
    }
}
?>
--EXPECT--
process, drop: reader 140; refused true, below 300 MB true; the slow one: not all
process, close: reader 140; refused true, below 300 MB true; the slow one: not all
process, a coroutine for each: reader 140; refused true, below 300 MB true; the slow one: not all
base, drop: reader 140; refused true, below 300 MB true; the slow one: not all
base, close: reader 140; refused true, below 300 MB true; the slow one: not all
base, a coroutine for each: reader 140; refused true, below 300 MB true; the slow one: not all
