--TEST--
More files than may be queued for a peer that does not read wait in coroutines, and are refused otherwise; the connection stays
--EXTENSIONS--
swoole
pcntl
posix
--FILE--
<?php
require __DIR__ . '/../inc/server.inc';
$file = tempnam(sys_get_temp_dir(), 'many');
file_put_contents($file, str_repeat('f', 20000));
foreach (MODES as $name => $mode) {
    foreach ([true, false] as $coroutine) {
        echo $name, $coroutine ? ', coroutines: ' : ', none: ', implode(', ', serve(function ($server, $journal) use ($file, $coroutine) {
            $server->set(['enable_coroutine' => $coroutine, 'kernel_socket_send_buffer_size' => 65536, 'log_level' => SWOOLE_LOG_NONE]);
            $server->on('receive', function ($server, $fd, $reactor, $data) use ($journal, $file) {
                if ($data === 'more') {
                    return $server->send($fd, 'still open');
                }
                for ($sent = $n = 0; $n < 600; $n++) {
                    $sent += @$server->sendfile($fd, $file);
                }
                $journal->record($sent === 600 ? 'all are sent' : ($sent >= 256 && swoole_last_error() === 1009 ? 'some are refused' : "$sent are sent"));
            });
        }, function ($ports, $journal) use ($coroutine) {
            fwrite($c = connect($ports[0]), 'go');
            $coroutine ? usleep(300000) : $journal->await('refused');
            if ($coroutine) {
                $journal->record(strlen(read_all($c, 600 * 20000)) === 600 * 20000 ? 'all arrive' : 'some are lost');
            }
            fwrite($c, 'more');
            for ($all = ''; !str_contains($all, 'still open') && ($part = (string) fread($c, 65536)) !== ''; $all = substr($all, -20) . $part);
            $journal->record(str_ends_with($all, 'still open') ? 'open' : 'closed');
        }, $mode)), "\n";
    }
}
unlink($file);
?>
--EXPECT--
process, coroutines: all are sent, all arrive, open
process, none: some are refused, open
base, coroutines: all are sent, all arrive, open
base, none: some are refused, open
