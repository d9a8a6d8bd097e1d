--TEST--
slow_consumer: a peer that does not read misses data that does not fit, or is reset; other peers get everything
--EXTENSIONS--
swoole
posix
pcntl
--FILE--
<?php
require __DIR__ . '/../inc/server.inc';
foreach ([SWOOLE_BASE => 'base', SWOOLE_PROCESS => 'process'] as $mode => $title) {
    foreach (['drop', 'close'] as $policy) {
        echo "== $title, $policy\n", implode("\n", serve(function ($server, $journal) use ($policy) {
            $server->set(['send_yield' => false, 'slow_consumer' => $policy, 'socket_buffer_size' => 2 << 20, 'open_eof_split' => true, 'package_eof' => "\n"]);
            $slow = 0;
            $server->on('receive', function ($server, $fd, $reactor, $line) use ($journal, &$slow) {
                if (trim($line) === 'slow') {
                    $slow = $fd;
                    $server->send($fd, "begins\n");
                    return;
                }
                for ($n = 0; $n < 100 && ($sent = @$server->send($slow, str_repeat('x', 1 << 20) . "\n")); $n++) {
                }
                $journal->record('refused ' . var_export($sent, true) . ' ' . swoole_last_error() . ', there: ' . var_export($server->exist($slow), true));
                $server->send($fd, "heard\n");
            });
            $server->on('close', function ($server, $fd) use ($journal, &$slow, $policy) {
                $policy === 'close' && $fd === $slow && $journal->record('closed');
            });
        }, function ($ports, $journal) use ($policy) {
            $slow = connect($ports[0]);
            ask($slow, "slow\n");
            $other = connect($ports[0]);
            $journal->record('the other ' . trim(ask($other, "push\n")));
            if ($policy === 'close') {
                $journal->await('closed');
            }
            // Data sent before still arrives, or a reset midway.
            $got = 0;
            while ($bytes = @fread($slow, 1 << 20)) {
                $got += strlen($bytes);
                if ($policy === 'drop' && substr($bytes, -1) === "\n" && $got >= 1 << 20) {
                    break;
                }
            }
            $journal->record($policy === 'close' ? ($bytes ? 'open' : 'the end') : ($got % ((1 << 20) + 1) === 0 ? 'whole lines' : 'a torn line'));
            $journal->record('the other ' . trim(ask($other, "push\n")));
        }, $mode)), "\n";
    }
}
?>
--EXPECT--
== base, drop
refused false 1009, there: true
the other heard
whole lines
refused false 1009, there: true
the other heard
== base, close
closed
refused false 1009, there: false
the other heard
the end
refused false 1005, there: false
the other heard
== process, drop
refused false 1009, there: true
the other heard
whole lines
refused false 1009, there: true
the other heard
== process, close
closed
refused false 1009, there: false
the other heard
the end
refused false 1005, there: false
the other heard
