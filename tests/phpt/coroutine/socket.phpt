--TEST--
Coroutine\Socket supports TCP, UDP and Unix, timeouts, lines, packets, vectors, files, and closing under a waiter
--EXTENSIONS--
swoole
sockets
--FILE--
<?php
use Swoole\Coroutine as Co;
use Swoole\Coroutine\Socket;
function listener(): Socket { $l = new Socket(AF_INET, SOCK_STREAM, 0); $l->bind('127.0.0.1', 0) && $l->listen(); return $l; }
function dial(Socket $l): Socket { $c = new Socket(AF_INET, SOCK_STREAM, 0); $c->connect('localhost', $l->getsockname()['port'], 2) || die('cannot connect'); return $c; }
Co\run(function () {
    $l = listener();
    go(function () use ($l) {
        while ($s = $l->accept()) go(function () use ($s) {
            while (($d = $s->recv()) !== '' && $d !== false) $s->sendAll("echo:$d");
            $s->close();
        });
        echo "accept ended with {$l->errCode}\n";
    });
    $clients = [];
    $done = new Co\WaitGroup;
    $good = 0;
    for ($i = 0; $i < 50; $i++) {
        $done->add();
        go(function () use ($l, $i, $done, &$good) {
            $c = dial($l);
            for ($k = 0; $k < 5; $k++) { $c->send("$i.$k"); if ($c->recv() === "echo:$i.$k") $good++; }
            $c->close();
            $done->done();
        });
    }
    $done->wait();
    echo "$good answers\n";

    $c = dial($l);
    $t = microtime(true);
    var_dump($c->recv(100, 0.02), $c->errCode === SOCKET_ETIMEDOUT, microtime(true) - $t >= 0.019, $c->checkLiveness());
    $c->setOption(SOL_SOCKET, SO_RCVTIMEO, ['sec' => 0, 'usec' => 10000]);
    var_dump($c->recv(), $c->errCode === SOCKET_ETIMEDOUT, $c->getOption(SOL_SOCKET, SO_RCVTIMEO));
    $big = str_repeat('0123456789', 200000);
    go(fn () => $c->sendAll($big));
    var_dump(strlen($c->recvAll(2000000, 2)) === 2000000);
    $c->close();
    var_dump($c->isClosed(), @$c->recv(), $c->errCode === SOCKET_EBADF);
    $l->close();

    $l = listener();
    go(function () use ($l) {
        $s = $l->accept(1);
        $s->sendAll("one\ntwo\nlast" . pack('n', 3) . 'abc' . pack('n', 5) . 'de');
        Co::sleep(0.005);
        $s->sendAll('fgh' . 'aabbbcccc');
        $s->sendFile(__FILE__, 0, 5);
        $s->shutdown(STREAM_SHUT_WR);
        Co::sleep(0.05);
    });
    $c = dial($l);
    var_dump($c->recvLine(), $c->recvLine(), $c->recvWithBuffer(4));
    $c->setProtocol(['open_length_check' => true, 'package_length_type' => 'n', 'package_length_offset' => 0, 'package_body_offset' => 2]);
    var_dump(substr($c->recvPacket(1), 2), substr($c->recvPacket(1), 2));
    var_dump($c->recvWithBuffer(2) . $c->recvWithBuffer(3) . $c->recvWithBuffer(4), $c->recvWithBuffer(5), $c->recvPacket(1), $c->recv(10, 1));

    $a = new Socket(AF_INET, SOCK_DGRAM, 0); $a->bind('127.0.0.1');
    $b = new Socket(AF_INET, SOCK_DGRAM, 0);
    var_dump($b->sendto('127.0.0.1', $a->getsockname()['port'], 'packet'), $a->recvfrom($peer, 1), $peer['address'], is_int($peer['port']));
    $path = tempnam(sys_get_temp_dir(), 'co'); unlink($path);
    $u = new Socket(AF_UNIX, SOCK_STREAM, 0); $u->bind($path); $u->listen();
    go(function () use ($u) { $s = $u->accept(); $s->writeVectorAll(['ab', 'cde', 'f']); });
    $v = new Socket(AF_UNIX, SOCK_STREAM, 0); var_dump($v->connect($path));
    echo json_encode($v->readVectorAll([1, 2, 3], 1)), "\n";
    unlink($path);

    $q = new Socket(AF_INET, SOCK_DGRAM, 0); $q->bind("127.0.0.1");
    $r = go(function () use ($q) { var_dump($q->recv(10), $q->errCode === SOCKET_ECANCELED); $q->recv(10); var_dump($q->errCode === SOCKET_ECANCELED); });
    var_dump($q->getBoundCid(SWOOLE_EVENT_READ) === $r, $q->getBoundCid(SWOOLE_EVENT_WRITE), $q->cancel(SWOOLE_EVENT_READ), $q->cancel(SWOOLE_EVENT_WRITE));
    Co::sleep(0.001); $q->close(); Co::sleep(0.001);
});
?>
--EXPECT--
250 answers
bool(false)
bool(true)
bool(true)
bool(true)
bool(false)
bool(true)
array(2) {
  ["sec"]=>
  int(0)
  ["usec"]=>
  int(10000)
}
bool(true)
bool(true)
bool(false)
bool(true)
accept ended with 125
string(4) "one
"
string(4) "two
"
string(4) "last"
string(3) "abc"
string(5) "defgh"
string(9) "aabbbcccc"
string(5) "<?php"
string(0) ""
string(0) ""
int(6)
string(6) "packet"
string(9) "127.0.0.1"
bool(true)
bool(true)
["a","bc","def"]
bool(false)
bool(true)
bool(true)
int(0)
bool(true)
bool(false)
bool(true)
