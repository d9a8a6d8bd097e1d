--TEST--
swoole_socket_* functions do not block other coroutines and take their timeouts from Coroutine::set
--EXTENSIONS--
swoole
--FILE--
<?php
use Swoole\Coroutine as Co;

function show(string $what, mixed $result): void
{
    echo "$what: ", json_encode($result), "\n";
}

Co\run(function () {
    $server = swoole_socket_create(AF_INET, SOCK_STREAM, 0);
    show('bind', [swoole_socket_set_option($server, SOL_SOCKET, SO_REUSEADDR, 1), swoole_socket_get_option($server, SOL_SOCKET, SO_REUSEADDR), swoole_socket_bind($server, '127.0.0.1'), swoole_socket_listen($server)]);
    show('name', [swoole_socket_getsockname($server, $address, $port), $address, $port > 0]);
    $client = swoole_socket_create(AF_INET, SOCK_STREAM, 0);
    go(function () use ($client, $port, &$connected) { Co::sleep(0.02); $connected = swoole_socket_connect($client, '127.0.0.1', $port); });
    $c = swoole_socket_accept($server);
    Co::sleep(0.01);
    show('connect', $connected);
    show('peer', [swoole_socket_getpeername($client, $address, $other), $address, $other === $port, get_class($c)]);

    $others = 0;
    $ticker = go(function () use (&$others) { while (Co::sleep(0.001)) $others++; });
    go(function () use ($client) { Co::sleep(0.05); swoole_socket_write($client, "hello world\nnext line\n"); });
    show('peek', [swoole_socket_recv($c, $buffer, 5, MSG_PEEK), $buffer]);
    Co::cancel($ticker);
    echo $others > 2 ? "others ran\n" : "others waited\n";
    show('recv', [swoole_socket_recv($c, $buffer, 6, 0), $buffer]);
    show('read', swoole_socket_read($c, 6));
    show('line', swoole_socket_read($c, 100, PHP_NORMAL_READ));
    show('now', [swoole_socket_recv($c, $buffer, 6, MSG_DONTWAIT), $buffer, swoole_socket_last_error($c) === SOCKET_EAGAIN, swoole_socket_last_error() === SOCKET_EAGAIN]);
    swoole_socket_clear_error($c);
    swoole_socket_clear_error();
    show('cleared', [swoole_socket_last_error($c), swoole_socket_last_error()]);
    show('not blocking', [swoole_socket_set_nonblock($c), swoole_socket_read($c, 6), swoole_socket_set_block($c)]);
    go(function () use ($client) { foreach (['ab', 'cd', 'ef'] as $part) { swoole_socket_send($client, $part . 'more', 2, 0); Co::sleep(0.005); } });
    show('wait for all', [swoole_socket_recv($c, $buffer, 6, MSG_WAITALL), $buffer]);
    show('timeout', [swoole_socket_setopt($c, SOL_SOCKET, SO_RCVTIMEO, ['sec' => 0, 'usec' => 20000]), swoole_socket_getopt($c, SOL_SOCKET, SO_RCVTIMEO), swoole_socket_read($c, 1), swoole_socket_last_error($c) === SOCKET_ETIMEDOUT]);
    show('shutdown', [swoole_socket_shutdown($client, 1), swoole_socket_read($c, 100), swoole_socket_recv($c, $buffer, 9, 0), $buffer]);
    swoole_socket_close($c);
    show('closed', [swoole_socket_read($c, 1), swoole_socket_last_error($c) === SOCKET_EBADF]);

    show('pair', [swoole_socket_create_pair(AF_UNIX, SOCK_STREAM, 0, $pair), count($pair), swoole_socket_write($pair[0], 'through', 4), swoole_socket_read($pair[1], 100)]);
    [$a, $b] = [swoole_socket_create(AF_INET, SOCK_DGRAM, 0), swoole_socket_create(AF_INET, SOCK_DGRAM, 0)];
    swoole_socket_bind($a, '127.0.0.1');
    swoole_socket_getsockname($a, $address, $port);
    go(function () use ($b, $port) { Co::sleep(0.01); swoole_socket_sendto($b, 'datagram!', 8, 0, '127.0.0.1', $port); });
    show('datagram', [swoole_socket_recvfrom($a, $buffer, 100, 0, $from, $its), $buffer, $from, $its > 0]);
    $listening = swoole_socket_create_listen(0);
    show('listening', [swoole_socket_getsockname($listening, $address), $address]);
    $stream = stream_socket_server('tcp://127.0.0.1:0');
    show('import', [swoole_socket_getsockname(swoole_socket_import_stream($stream), $address), $address]);
    foreach ([fn () => swoole_socket_read($a, 0), fn () => swoole_socket_recv($a, $buffer, -1, 0)] as $wrong) {
        try { $wrong(); } catch (ValueError $e) { echo $e->getMessage(), "\n"; }
    }

    // The timeout of a socket that has none of its own.
    Co::set(['socket_timeout' => 0.03, 'socket_write_timeout' => 0.5]);
    [$a, $b] = (function () { swoole_socket_create_pair(AF_UNIX, SOCK_STREAM, 0, $pair); return $pair; })();
    $begin = microtime(true);
    show('by setting', [$a->recv(), $a->errCode === SOCKET_ETIMEDOUT, $a->getOption(SOL_SOCKET, SO_RCVTIMEO)['usec'], $a->getOption(SOL_SOCKET, SO_SNDTIMEO)['usec']]);
    $client = new Co\Client(SWOOLE_SOCK_TCP);
    show('client', [$client->connect('127.0.0.1', $listening->getsockname()['port']), $client->recv(), $client->errCode === SOCKET_ETIMEDOUT]);
    echo microtime(true) - $begin < 5 ? "in time\n" : "late\n";
});
?>
--EXPECT--
bind: [true,1,true,true]
name: [true,"127.0.0.1",true]
connect: true
peer: [true,"127.0.0.1",true,"Swoole\\Coroutine\\Socket"]
peek: [5,"hello"]
others ran
recv: [6,"hello "]
read: "world\n"
line: "next line\n"
now: [false,null,true,true]
cleared: [0,0]
not blocking: [true,false,true]
wait for all: [6,"abcdef"]
timeout: [true,{"sec":0,"usec":20000},false,true]
shutdown: [true,"",0,null]
closed: [false,true]
pair: [true,2,4,"thro"]
datagram: [8,"datagram","127.0.0.1",true]
listening: [true,"0.0.0.0"]
import: [true,"127.0.0.1"]
swoole_socket_read(): Argument #2 ($length) must be greater than 0
swoole_socket_recv(): Argument #3 ($length) must be greater than 0
by setting: [false,true,30000,500000]
client: [true,false,true]
in time
