--TEST--
Connections end by close, reset, heartbeat and max_conn; protect, pause, resume and delayed receive work
--EXTENSIONS--
swoole
pcntl
posix
--FILE--
<?php
require __DIR__ . '/../inc/server.inc';
foreach (MODES as $name => $mode) {
    echo "$name\n", implode("\n", serve(function ($server, $journal) {
        $server->set(['heartbeat_idle_time' => 1, 'heartbeat_check_interval' => 1, 'max_conn' => 6]);
        $server->on('close', fn ($server, $fd, $reactor) => $reactor < 0 && $journal->record('closed by the server'));
        $server->on('receive', function ($server, $fd, $reactor, $data) use ($journal) {
            match ($data) {
                'close' => $journal->record('close ' . json_encode([$server->close($fd), $server->exists($fd)])),
                'reset' => $journal->record('reset ' . json_encode($server->close($fd, true))),
                'last words' => [$server->send($fd, str_repeat('w', 2_000_000)), $server->close($fd)],
                'protect' => [$server->protect($fd), $server->send($fd, 'protected')],
                'pause' => [$server->pause($fd), $server->send($fd, 'paused'), Swoole\Timer::after(100, function () use ($server, $fd) {
                    $server->send($fd, 'resumed');
                    $server->resume($fd);
                })],
                default => $server->send($fd, $data),
            };
        });
    }, function ($ports, $journal) {
        $c = connect($ports[0]);
        $answer = ask($c, 'close');
        // The server delivers the close event first.
        usleep(50000);
        $journal->record('end of file ' . json_encode([$answer, feof($c)]));
        $c = connect($ports[0]);
        $answer = @ask($c, 'reset');
        usleep(50000);
        $journal->record('reset ' . json_encode($answer));
        $c = connect($ports[0]);
        fwrite($c, 'last words');
        $words = strlen(stream_get_contents($c));
        usleep(50000);
        $journal->record("last words $words");
        $c = connect($ports[0]);
        $journal->record(ask($c, 'pause'));
        fwrite($c, 'behind');
        $journal->record(fread($c, 7) . ' ' . fread($c, 100));
        fclose($c);
        $kept = connect($ports[0]);
        $journal->record(ask($kept, 'protect'));
        $idle = connect($ports[0]);
        $journal->record('idle for long: ' . json_encode([fread($idle, 10), feof($idle)]));
        $journal->record('protected: ' . ask($kept, 'still here'));
        $more = [];
        for ($n = 0; $n < 5; $n++) {
            $more[] = connect($ports[0]);
            $journal->record('one more: ' . ask($more[$n], "$n"));
        }
        $beyond = connect($ports[0]);
        $journal->record('beyond max_conn: ' . json_encode([@ask($beyond, 'x'), feof($beyond)]));
        // Server shutdown would close them, with a close event.
        array_map('fclose', [...$more, $kept]);
        usleep(300000);
    }, $mode)), "\n";
}
?>
--EXPECT--
process
closed by the server
close [true,false]
end of file ["",true]
closed by the server
reset true
reset ""
closed by the server
last words 2000000
paused
resumed behind
protected
idle for long: ["",true]
protected: still here
one more: 0
one more: 1
one more: 2
one more: 3
one more: 4
beyond max_conn: ["",true]
base
closed by the server
close [true,false]
end of file ["",true]
closed by the server
reset true
reset ""
closed by the server
last words 2000000
paused
resumed behind
protected
idle for long: ["",true]
protected: still here
one more: 0
one more: 1
one more: 2
one more: 3
one more: 4
beyond max_conn: ["",true]
