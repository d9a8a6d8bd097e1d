--TEST--
worker_max_concurrency queues requests in order, also across a reload and a fatal error
--EXTENSIONS--
swoole
pcntl
posix
--INI--
display_errors=0
log_errors=0
--FILE--
<?php
require __DIR__ . '/../inc/server.inc';

function line(Swoole\Server $server, Journal $journal, int $most): void
{
    $server->set(['worker_max_concurrency' => $most, 'open_eof_split' => true, 'package_eof' => "\n", 'max_wait_time' => 10]);
    $running = 0;
    $server->on('receive', function ($server, $fd, $reactor, $data) use ($journal, $most, &$running) {
        if (++$running > $most) {
            $journal->record("$running at once");
        }
        usleep(10);
        Swoole\Coroutine::sleep(0.05);
        switch (trim($data)) {
            case 'stats':
                ['concurrency' => $all, 'worker_concurrency' => $own] = $server->stats();
                $server->send($fd, "[$all $own]");
                break;
            case 'die':
                $server->send($fd, '[dies]');
                exit(1);
            default:
                $server->send($fd, '[' . trim($data) . ']');
        }
        $running--;
    });
}

foreach (MODES as $name => $mode) {
    // One connection: its requests start in order, and its close event comes after them.
    echo "$name, order: ", implode(', ', serve(function ($server, $journal) {
        line($server, $journal, 1);
        $server->on('close', fn ($server, $fd) => $journal->record("$fd is closed"));
    }, function ($ports, $journal) {
        fwrite($c = connect($ports[0]), "stats\n1\n2\n3\n4\n");
        $journal->record(read_all($c, 17));
        fclose($c);
        $journal->await('is closed');
    }, $mode)), "\n";
    // Many connections: as many at once as the limit allows, and all are answered.
    echo "$name, many: ", implode(', ', serve(fn ($server, $journal) => line($server, $journal, 3), function ($ports, $journal) {
        for ($n = 0; $n < 10; $n++) {
            $all[] = connect($ports[0]);
        }
        $began = hrtime(true);
        array_walk($all, fn ($c, $n) => fwrite($c, "$n\n"));
        $journal->record(implode(array_map(fn ($c) => read_all($c, 3), $all)));
        $journal->record(hrtime(true) - $began > 4 * 50_000_000 ? 'in four rounds' : 'too quick');
        usleep(20000);
        $journal->record('then ' . ask($all[0], "stats\n"));
    }, $mode)), "\n";
    // A reload: waiting requests are answered, by this worker or by the next.
    echo "$name, reload: ", implode(', ', array_unique(serve(function ($server, $journal) {
        line($server, $journal, 1);
        $server->set(['worker_num' => 2, 'dispatch_mode' => 2]);
        $server->on('workerStart', function ($server, $id) use ($journal) {
            // All have been read: an unread one belongs to no worker yet, and a base-mode worker would close it.
            static $told = false;
            $id === 0 && Swoole\Timer::tick(2, function ($timer) use ($server, $journal, &$told) {
                if ($server->stats()['request_count'] === 12) {
                    $told || $journal->record('all are read');
                    $told = Swoole\Timer::clear($timer);
                }
            });
        });
    }, function ($ports, $journal) {
        for ($n = 0; $n < 6; $n++) {
            $all[] = connect($ports[0]);
        }
        array_walk($all, fn ($c, $n) => fwrite($c, "$n\n$n\n"));
        $journal->await('all are read');
        posix_kill(posix_getppid(), SIGUSR1);
        $journal->record(implode(array_map(fn ($c) => read_all($c, 6), $all)));
    }, $mode))), "\n";
}
// In process mode also if user code ends its process.
echo 'process, exit: ', implode(', ', serve(fn ($server, $journal) => line($server, $journal, 1), function ($ports, $journal) {
    for ($n = 0; $n < 3; $n++) {
        $all[] = connect($ports[0]);
    }
    array_walk($all, fn ($c, $n) => fwrite($c, $n ? "$n\n" : "die\n"));
    $journal->record(read_all($all[0], 6) . read_all($all[1], 3) . read_all($all[2], 3));
})), "\n";
?>
--EXPECT--
process, order: [5 5][1][2][3][4], 1 is closed
process, many: [0][1][2][3][4][5][6][7][8][9], in four rounds, then [1 1]
process, reload: all are read, [0][0][1][1][2][2][3][3][4][4][5][5]
base, order: [5 5][1][2][3][4], 1 is closed
base, many: [0][1][2][3][4][5][6][7][8][9], in four rounds, then [1 1]
base, reload: all are read, [0][0][1][1][2][2][3][3][4][4][5][5]
process, exit: [dies][1][2]
