--TEST--
A FastCGI client throws its exception for a server that refuses, and for records that are malformed or of another request
--EXTENSIONS--
swoole
--FILE--
<?php
use Swoole\Coroutine as Co;
use Swoole\Coroutine\FastCGI\Client;

Co::set(['hook_flags' => SWOOLE_HOOK_ALL]);
Co\run(function () {
    $end = fn (int $status) => "\1\3\0\1\0\10\0\0\0\0\0\0" . chr($status) . "\0\0\0";
    $replies = [
        'complete' => "\1\6\0\1\0\4\0\0abcd" . $end(0),
        'multiplex' => $end(1),
        'overloaded' => $end(2),
        'role' => $end(3),
        'short end' => "\1\3\0\1\0\2\0\0\0\0",
        'other request' => "\1\6\0\5\0\4\0\0abcd" . $end(0),
        'unknown type' => "\1\x63\0\1\0\0\0\0",
    ];
    foreach ($replies as $name => $reply) {
        $listener = stream_socket_server('tcp://127.0.0.1:0');
        go(function () use ($listener, $reply) {
            $peer = stream_socket_accept($listener);
            fread($peer, 8192);
            fwrite($peer, $reply);
            fread($peer, 8192);
        });
        try {
            $reply = Client::call(stream_socket_get_name($listener, false), "/x.php", [], 10);
            echo "$name: $reply\n";
        } catch (Client\Exception $e) {
            echo "$name: ", $e->getCode(), ' ', $e->getMessage(), "\n";
        }
    }
    $pool = new Swoole\ConnectionPool(fn () => new stdClass(), 1);
    $pool->close();
    try {
        $pool->close();
    } catch (RuntimeException $e) {
        echo $e->getMessage(), "\n";
    }
});
?>
--EXPECT--
complete: abcd
multiplex: 1 FastCGI request to 127.0.0.1: the server cannot multiplex
overloaded: 2 FastCGI request to 127.0.0.1: the server is overloaded
role: 3 FastCGI request to 127.0.0.1: the server does not know the role
short end: 0 FastCGI response of 127.0.0.1: an END_REQUEST record of 2 bytes instead of 8
other request: 0 FastCGI response of 127.0.0.1: a record of request 5 instead of 1
unknown type: 0 FastCGI response of 127.0.0.1: there is no record of type 99
Pool has been closed
