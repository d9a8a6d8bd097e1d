--TEST--
sleep, usleep, socket streams and stream_select do not block other coroutines, also with the JIT
--EXTENSIONS--
swoole
--INI--
opcache.enable_cli=1
opcache.jit=function
opcache.jit_buffer_size=16M
opcache.file_update_protection=0
--FILE--
<?php
use Swoole\Coroutine as Co;
function took(float $begin): string { $t = microtime(true) - $begin; return $t < 0.55 ? 'at once' : ($t < 2.9 ? 'together' : 'one after the other'); }
Co\run(function () {
    $begin = microtime(true);
    $wg = new Co\WaitGroup;
    foreach ([fn () => usleep(600000), fn () => time_nanosleep(0, 600000000), fn () => time_sleep_until(microtime(true) + 0.6)] as $wait) {
        for ($i = 0; $i < 5; $i++) { $wg->add(); go(function () use ($wait, $wg) { $wait(); $wg->done(); }); }
    }
    $wg->wait();
    echo 'sleepers ', took($begin), "\n";

    $l = stream_socket_server('tcp://127.0.0.1:0');
    $name = stream_socket_get_name($l, false);
    $port = (int) substr(strrchr($name, ':'), 1);
    go(function () use ($l) {
        for ($i = 0; $i < 30; $i++) {
            $c = stream_socket_accept($l, 5);
            go(function () use ($c) {
                $line = fgets($c);
                while (str_starts_with($line, 'GET') && trim(fgets($c)) !== '');
                usleep(100000);
                fwrite($c, "HTTP/1.0 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello");
                fclose($c);
            });
        }
    });
    $begin = microtime(true);
    $good = 0;
    for ($i = 0; $i < 15; $i++) {
        $wg->add(2);
        go(function () use ($name, $wg, &$good) { $good += file_get_contents("http://$name/") === 'hello'; $wg->done(); });
        go(function () use ($port, $wg, &$good) { $f = fsockopen('127.0.0.1', $port); fwrite($f, "x\n"); $good += str_ends_with(stream_get_contents($f), 'hello'); $wg->done(); });
    }
    $wg->wait();
    echo "$good answers ", took($begin), "\n";
    fclose($l);

    $begin = microtime(true);
    echo var_export(@fsockopen('127.0.0.1', $port, $code, $text, 1), true), ' ', $code === 111 ? 'refused' : $code, "\n";
    $pair = stream_socket_pair(STREAM_PF_UNIX, STREAM_SOCK_STREAM, 0);
    go(function () use ($pair) { usleep(60000); fwrite($pair[1], 'late'); });
    $ticks = 0;
    $ticker = go(function () use (&$ticks) { while (Co::sleep(0.001)) $ticks++; });
    $r = [$pair[0]]; $w = $e = null;
    echo stream_select($r, $w, $e, 1), ' ', count($r), ' ', fread($pair[0], 10), ' others ', $ticks > 1 ? 'ran' : "waited $ticks", "\n";
    $r = [$pair[0]];
    echo stream_select($r, $w, $e, 0, 10000), ' ', count($r), "\n";
    Co::cancel($ticker);

    $server = stream_socket_server('udp://127.0.0.1:0', $code, $text, STREAM_SERVER_BIND);
    $wg->add();
    go(function () use ($server, $wg) { echo 'datagram ', stream_socket_recvfrom($server, 100), "\n"; $wg->done(); });
    $client = stream_socket_client('udp://' . stream_socket_get_name($server, false));
    fwrite($client, 'hello');
    $wg->wait();

    $l = stream_socket_server('tcp://127.0.0.1:0');
    $f = stream_socket_client('tcp://' . stream_socket_get_name($l, false));
    $s = stream_socket_accept($l);
    stream_set_timeout($f, 0, 30000);
    $begin = microtime(true);
    echo var_export(fread($f, 10), true), ' timed out ', var_export(stream_get_meta_data($f)['timed_out'], true), ' ', took($begin), "\n";
    $big = str_repeat('x', 5_000_000);
    go(function () use ($s, $big) { fwrite($s, $big); fclose($s); });
    stream_set_timeout($f, 5);
    echo strlen(stream_get_contents($f)), "\n";
    $c = go(function () use ($l) { try { @stream_socket_accept($l, 5); } catch (Throwable $e) { echo get_class($e), "\n"; } });
    Co::cancel($c, true);
});
Swoole\Runtime::setHookFlags(0);
echo Swoole\Runtime::getHookFlags(), "\n";
?>
--EXPECT--
sleepers together
30 answers at once
false refused
1 1 late others ran
0 0
datagram hello
false timed out true at once
5000000
Swoole\Coroutine\CanceledException
0
