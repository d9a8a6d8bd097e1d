--TEST--
Unhandled datagrams are kept up to 64 MiB per worker; further ones are dropped with a log entry
--EXTENSIONS--
swoole
pcntl
posix
--FILE--
<?php
require __DIR__ . '/../inc/server.inc';
use Swoole\Coroutine as Co;

const LONG = 60000;

/** Sends numbered datagrams until the server logs that it drops them; then more, and lets the worker continue. */
function flood(string $path, string $log, string $go, Journal $journal): void
{
    wait_for(function () use ($path, &$c) {
        return file_exists($path) && $c = @stream_socket_client("udg://$path");
    });
    $send = fn (int $n) => stream_socket_sendto($c, str_pad("$n:", LONG, '.'));
    $drops = fn () => str_contains((string) file_get_contents($log), 'datagrams are dropped: more than 67108864 bytes');
    $sent = 0;
    while ($sent < 4000 && ($sent % 50 || !$drops())) {
        $send($sent++);
    }
    $journal->record($drops() ? 'dropped in time' : "$sent are too few");
    for ($n = 0; $n < 100; $n++) {
        $send($sent++);
    }
    touch($go);
    // Arrives after all that was kept, as soon as there is room for it.
    wait_for(function () use ($send, $journal) {
        $send(-1);
        return $journal->has('the last');
    });
}

foreach ([
    'process mode, a worker that waits' => [SWOOLE_PROCESS, true],
    'process mode, a worker that sleeps' => [SWOOLE_PROCESS, false],
    'base mode, a worker that waits' => [SWOOLE_BASE, true],
] as $name => [$mode, $waits]) {
    $files = sys_get_temp_dir() . '/datagrams' . getmypid();
    [$path, $log, $go] = ["$files.sock", "$files.log", "$files.go"];
    touch($log);
    echo "-- $name\n", implode("\n", serve(function (Swoole\Server $s, Journal $journal) use ($path, $log, $go, $waits) {
        $s->set(['worker_max_concurrency' => 1, 'enable_coroutine' => $waits, 'log_file' => $log, 'log_level' => SWOOLE_LOG_WARNING]);
        [$told, $next, $gaps] = [0, 0, 0];
        $s->on('packet', function ($s, $data) use (&$told, &$next, &$gaps, $go, $waits, $journal) {
            while (!file_exists($go)) {
                $waits ? Co::sleep(0.005) : usleep(5000);
                clearstatcache();
            }
            $n = (int) $data;
            if ($n === -1) {
                static $over = false;
                if (!$over) {
                    $kept = $told * LONG / (1 << 20);
                    $journal->record($kept > 60 && $kept < 80 ? 'about 64 MiB were kept' : "$kept MiB were kept");
                    $journal->record("$gaps gaps among them, then the last");
                }
                $over = true;
                return;
            }
            // The datagrams kept first are all there; after them there may be gaps.
            $n < $next && $journal->record("$n comes behind " . ($next - 1));
            $gaps += $n > $next && $told * LONG < 63 << 20;
            $told++;
            $next = $n + 1;
        });
    }, fn ($ports, Journal $journal) => flood($path, $log, $go, $journal), $mode, SWOOLE_SOCK_UNIX_DGRAM, $path)), "\n";
    array_map(fn ($file) => @unlink($file), [$path, $log, $go]);
}
?>
--EXPECT--
-- process mode, a worker that waits
dropped in time
about 64 MiB were kept
0 gaps among them, then the last
-- process mode, a worker that sleeps
dropped in time
about 64 MiB were kept
0 gaps among them, then the last
-- base mode, a worker that waits
dropped in time
about 64 MiB were kept
0 gaps among them, then the last
