--TEST--
swoole_select waits for streams and sockets without blocking other coroutines; host names are cached; socket pairs work
--EXTENSIONS--
swoole
--FILE--
<?php
use Swoole\Coroutine as Co;
$check = function () {
    $a = stream_socket_pair(STREAM_PF_UNIX, STREAM_SOCK_STREAM, 0);
    $b = stream_socket_pair(STREAM_PF_UNIX, STREAM_SOCK_STREAM, 0);
    fwrite($a[1], 'x');
    $r = ['a' => $a[0], 'b' => $b[0]]; $w = [$b[1]]; $e = null;
    echo swoole_select($r, $w, $e, 1), ' ', implode(',', array_keys($r)), ' ', count($w), "\n";
    $r = [$b[0]]; $w = null;
    echo swoole_select($r, $w, $e, 0.01), ' ', count($r), "\n";
    $r = [];
    var_dump(@swoole_select($r, $w, $e));
};
$check();
Co\run(function () use ($check) {
    $check();
    [$one, $other] = swoole_coroutine_socketpair(1, 1, 0);
    $ticks = 0;
    $t = go(function () use (&$ticks) { while (Co::sleep(0.001)) $ticks++; });
    go(function () use ($other) { Co::sleep(0.02); $other->send('late'); });
    $r = [$one]; $w = $e = null;
    echo swoole_select($r, $w, $e, 1), ' ', $one->recv(), ' ', $ticks > 1 ? 'others ran' : $ticks, "\n";
    Co::cancel($t);
    echo Co\System::gethostbyname('localhost'), ' ', Co\System::gethostbyname('localhost'), "\n";
    swoole_clear_dns_cache();
    echo swoole_async_dns_lookup_coro('localhost'), "\n";
    var_dump(@Co\System::gethostbyname('no.such.host.invalid'), swoole_last_error() === SWOOLE_ERROR_DNSLOOKUP_RESOLVE_FAILED);
    $l = stream_socket_server('tcp://127.0.0.1:0');
    $f = stream_socket_client(str_replace('127.0.0.1', 'localhost', 'tcp://' . stream_socket_get_name($l, false)));
    var_dump(is_resource($f));
});
swoole_async_set(['enable_coroutine' => false]);
Swoole\Timer::after(1, function () { echo 'in a coroutine ', var_export(Co::getCid() > 0, true), "\n"; });
Swoole\Event::wait();
?>
--EXPECT--
2 a 1
0 0
bool(false)
2 a 1
0 0
bool(false)
1 late others ran
127.0.0.1 127.0.0.1
127.0.0.1
bool(false)
bool(true)
bool(true)
in a coroutine false
