--TEST--
Coroutine\Socket sees data, end of file or reset that arrives right after a short read
--FILE--
<?php
use Swoole\Coroutine as Co;
use Swoole\Coroutine\Socket;

/** Two ends of a TCP connection: ours is read, the other one is a blocking stream. */
function pair(): array
{
    $listener = new Socket(AF_INET, SOCK_STREAM, 0);
    $listener->bind('127.0.0.1', 0);
    $listener->listen();
    $peer = stream_socket_client('tcp://127.0.0.1:' . $listener->getsockname()['port']);
    return [$listener->accept(1), $peer];
}

Swoole\Runtime::enableCoroutine(0);
Co\run(function () {
    [$socket, $peer] = pair();
    // The first wait puts the socket into the event queue.
    go(fn () => fwrite($peer, 'first'));
    var_dump($socket->recv(100, 5));
    // More data arrived since the last system call.
    fwrite($peer, 'second');
    var_dump($socket->recv(100, 5));
    // More data arrived with the read, but not all of it was requested.
    fwrite($peer, 'third and rest');
    var_dump($socket->recv(5, 5), $socket->recv(100, 5));
    // Nothing arrives.
    var_dump($socket->recv(100, 0.02), $socket->errCode === SOCKET_ETIMEDOUT);
    // Data arrives during the wait, byte by byte.
    go(function () use ($peer) {
        foreach (str_split('abc') as $byte) {
            Co::sleep(0.005);
            fwrite($peer, $byte);
        }
    });
    var_dump($socket->recvAll(3, 5));
    // A peek consumes nothing.
    fwrite($peer, 'seen');
    Co::sleep(0.005);
    var_dump($socket->peek(100), $socket->recv(100, 5));
    // End of file right after the last bytes, reported together.
    fwrite($peer, 'last');
    fclose($peer);
    Co::sleep(0.005);
    var_dump($socket->recv(100, 5), $socket->recv(100, 5), $socket->recv(100, 5));

    // End of file after the last bytes were read.
    [$socket, $peer] = pair();
    go(fn () => fwrite($peer, 'one'));
    var_dump($socket->recv(100, 5));
    fclose($peer);
    var_dump($socket->recv(100, 5));

    // A reset.
    [$socket, $peer] = pair();
    go(fn () => fwrite($peer, 'one'));
    var_dump($socket->recv(100, 5));
    $raw = socket_import_stream($peer);
    socket_set_option($raw, SOL_SOCKET, SO_LINGER, ['l_onoff' => 1, 'l_linger' => 0]);
    fwrite($peer, 'two');
    Co::sleep(0.005);
    var_dump($socket->recv(100, 5));
    unset($raw);
    fclose($peer);
    var_dump($socket->recv(100, 5), $socket->errCode === SOCKET_ECONNRESET);
});
?>
--EXPECT--
string(5) "first"
string(6) "second"
string(5) "third"
string(9) " and rest"
bool(false)
bool(true)
string(3) "abc"
string(4) "seen"
string(4) "seen"
string(4) "last"
string(0) ""
string(0) ""
string(3) "one"
string(0) ""
string(3) "one"
string(3) "two"
bool(false)
bool(true)
