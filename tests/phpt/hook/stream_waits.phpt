--TEST--
Stream pairs, feof, fgets, accept and datagrams let other coroutines run while one waits
--EXTENSIONS--
swoole
--FILE--
<?php
use Swoole\Coroutine as Co;

/** Runs something that waits for 60 ms and prints whether other coroutines ran meanwhile. */
function waits(string $what, callable $run): void
{
    $ticks = 0;
    $ticker = go(function () use (&$ticks) { while (Co::sleep(0.001)) $ticks++; });
    $result = $run();
    echo "$what: ", is_string($result) ? $result : json_encode($result), $ticks > 0 ? ', others ran' : ", others waited ($ticks)", "\n";
    Co::cancel($ticker);
}

function later(callable $run): void
{
    go(function () use ($run) { usleep(60000); $run(); });
}

Co\run(function () {
    [$a, $b] = stream_socket_pair(STREAM_PF_UNIX, STREAM_SOCK_STREAM, 0);
    waits('pair fread', function () use ($a, $b) { later(fn () => fwrite($b, 'hello')); return fread($a, 100); });
    waits('pair fgets', function () use ($a, $b) { fwrite($b, 'half '); later(fn () => fwrite($b, "a line\nmore")); return fgets($a); });
    waits('pair stream_get_line', function () use ($a, $b) { later(fn () => fwrite($b, ' of it;')); return stream_get_line($a, 100, ';'); });
    waits('pair fwrite', function () use ($a, $b) {
        later(function () use ($b) { for ($got = 0; $got < 3_000_000;) $got += strlen(fread($b, 65536)); });
        for ($sent = 0; $sent < 3_000_000;) $sent += fwrite($a, str_repeat('x', 3_000_000 - $sent));
        return $sent;
    });
    waits('pair timeout', function () use ($a) { stream_set_timeout($a, 0, 60000); return [fread($a, 100), stream_get_meta_data($a)['timed_out']]; });
    stream_set_timeout($a, 5);
    waits('pair feof', function () use ($a, $b) { later(fn () => fclose($b)); return [feof($a), fread($a, 100), feof($a)]; });

    [$a, $b] = stream_socket_pair(STREAM_PF_UNIX, STREAM_SOCK_DGRAM, 0);
    waits('pair of datagrams', function () use ($a, $b) { later(fn () => fwrite($b, 'one') + fwrite($b, 'two')); return [fread($a, 100), fread($a, 100)]; });
    waits('no room for datagrams', function () use ($a, $b) {
        later(function () use ($a) { for ($n = 0; $n < 2000; $n++) fread($a, 2000); });
        for ($n = 0; $n < 2000; $n++) $sent[] = fwrite($b, str_repeat('x', 1000));
        return array_sum($sent);
    });

    $l = stream_socket_server('tcp://127.0.0.1:0');
    $name = 'tcp://' . stream_socket_get_name($l, false);
    waits('accept', function () use ($l, $name, &$c, &$s) { later(function () use ($name, &$c) { $c = stream_socket_client($name); }); $s = stream_socket_accept($l, 5); return is_resource($s); });
    waits('accept in vain', fn () => @stream_socket_accept($l, 0.06));
    waits('feof goes on', function () use ($c, $s) { later(fn () => fwrite($s, 'data')); return [feof($c), fread($c, 100)]; });
    stream_set_blocking($c, false);
    $begin = microtime(true);
    echo 'not blocking: ', json_encode([fread($c, 100), fgets($c), feof($c)]), microtime(true) - $begin < 2 ? ' at once' : ' late', "\n";
    stream_set_blocking($c, true);
    waits('blocking again', function () use ($c, $s) { later(fn () => fwrite($s, "line\n")); return rtrim(fgets($c)); });
    waits('stream_get_contents', function () use ($c, $s) { later(fn () => fwrite($s, 'end') + fclose($s)); return [stream_get_contents($c), feof($c)]; });

    foreach (['udp' => '127.0.0.1:0', 'udg' => $path = sys_get_temp_dir() . '/co_stream_waits.' . getmypid()] as $kind => $where) {
        $server = stream_socket_server("$kind://$where", $code, $text, STREAM_SERVER_BIND);
        $client = stream_socket_client("$kind://" . stream_socket_get_name($server, false));
        waits("$kind recvfrom", function () use ($client, $server) { later(fn () => stream_socket_sendto($client, 'packet')); return stream_socket_recvfrom($server, 100); });
        waits("$kind fread", function () use ($client, $server) { later(fn () => fwrite($client, 'another')); return fread($server, 100); });
        waits("$kind in vain", function () use ($server) { stream_set_timeout($server, 0, 60000); return stream_socket_recvfrom($server, 100); });
    }
    unlink($path);
});
?>
--EXPECT--
pair fread: hello, others ran
pair fgets: half a line
, others ran
pair stream_get_line: more of it, others ran
pair fwrite: 3000000, others ran
pair timeout: [false,true], others ran
pair feof: [false,"",true], others ran
pair of datagrams: ["one","two"], others ran
no room for datagrams: 2000000, others ran
accept: true, others ran
accept in vain: false, others ran
feof goes on: [false,"data"], others ran
not blocking: ["",false,false] at once
blocking again: line, others ran
stream_get_contents: ["end",true], others ran
udp recvfrom: packet, others ran
udp fread: another, others ran
udp in vain: false, others ran
udg recvfrom: packet, others ran
udg fread: another, others ran
udg in vain: false, others ran
