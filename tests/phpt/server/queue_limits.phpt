--TEST--
max_queued_bytes and worker_max_concurrency stop reading a connection with too much queued; HTTP gets 503
--EXTENSIONS--
swoole
pcntl
posix
sockets
--FILE--
<?php
require __DIR__ . '/../inc/server.inc';
use Swoole\Coroutine as Co;

const LINE = 16384;
const ALL = 24 << 20;

/** Sends numbered lines until all are sent, or none is accepted for half a second; returns the bytes accepted. */
function pump($c, int $from = 0): int
{
    stream_set_blocking($c, false);
    for ($at = $from; $at < ALL; $at += $n) {
        $line = str_pad(sprintf('%d:', intdiv($at, LINE)), LINE - 1, '.') . "\n";
        $part = substr($line, $at % LINE);
        if (($n = fwrite($c, $part)) === 0 || $n === false) {
            [$none, $write] = [null, [$c]];
            if (stream_select($none, $write, $none, 0, 500000) === 0) {
                return $at;
            }
            $n = 0;
        }
    }
    return $at;
}

function run(string $name, int $mode, array $settings, bool $waits): void
{
    echo "-- $name\n";
    $go = sys_get_temp_dir() . '/go' . getmypid() . mt_rand();
    $told = serve(function (Swoole\Server $s, Journal $journal) use ($settings, $go, $waits) {
        $s->set($settings + ['open_eof_split' => true, 'package_eof' => "\n", 'kernel_socket_recv_buffer_size' => 65536, 'buffer_output_size' => 1 << 20]);
        $next = 0;
        $s->on('receive', function ($s, $fd, $reactor, $data) use (&$next, $go, $waits, $journal) {
            while (!file_exists($go)) $waits ? Co::sleep(0.01) : usleep(10000);
            if ((int) $data !== $next++ || strlen($data) !== LINE) {
                $journal->record("wrong: " . substr($data, 0, 10));
            }
            if ($next === intdiv(ALL, LINE)) {
                $journal->record("all of $next lines came, in order");
                $s->send($fd, "done\n");
            }
        });
    }, function (array $ports, Journal $journal) use ($go) {
        $c = connect($ports[0]);
        socket_set_option(socket_import_stream($c), SOL_SOCKET, SO_SNDBUF, 65536);
        $sent = pump($c);
        $journal->record($sent < 3 << 20 ? 'little was taken' : "$sent bytes were taken");
        touch($go);
        while ($sent < ALL) $sent = pump($c, $sent);
        stream_set_blocking($c, true);
        $journal->record('answered ' . trim(fgets($c)));
    }, $mode);
    @unlink($go);
    echo implode("\n", $told), "\n";
}

echo "-- a worker that is killed takes what waits, and its connection goes on\n";
$go = sys_get_temp_dir() . '/go' . getmypid();
echo implode("\n", serve(function (Swoole\Server $s, Journal $journal) use ($go) {
    $s->set(['max_queued_bytes' => 65536, 'enable_coroutine' => false, 'open_eof_split' => true, 'package_eof' => "\n", 'log_level' => SWOOLE_LOG_NONE]);
    $s->on('receive', function () use ($go) {
        if (!file_exists("$go.killed")) {
            while (!file_exists($go)) usleep(10000);
            touch("$go.killed");
            posix_kill(getmypid(), SIGKILL);
        }
    });
}, function (array $ports, Journal $journal) use ($go) {
    $c = connect($ports[0]);
    $sent = pump($c);
    $journal->record($sent < ALL ? 'not all was taken' : 'all was taken');
    touch($go);
    for ($try = 0; $sent < ALL && $try < 20; $try++) $sent = pump($c, $sent);
    $journal->record($sent < ALL ? "it stays at $sent" : 'all was taken');
})), "\n";
array_map(unlink(...), [$go, "$go.killed"]);

echo "-- HTTP\n";
foreach (MODES as $name => $mode) {
    $journal = new Journal();
    if (($pid = pcntl_fork()) === 0) {
        $http = new Swoole\Http\Server('127.0.0.1', 0, $mode);
        $http->set(['log_level' => SWOOLE_LOG_ERROR, 'worker_num' => 1, 'worker_max_concurrency' => 1, 'input_buffer_size' => 4 << 20]); // no body is stored in a file
        $go = new Swoole\Atomic();
        $http->on('request', function ($request, $response) use ($go) {
            while ($go->get() === 0) Co::sleep(0.01);
            $response->end((string) strlen($request->rawContent()));
        });
        if (($child = pcntl_fork()) === 0) {
            $all = [];
            $body = str_repeat('x', 1_900_000);
            // Those beyond 64 MiB are refused at once.
            for ($i = 0; $i < 45; $i++) {
                $c = connect($http->port);
                stream_set_timeout($c, 20);
                fwrite($c, "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 1900000\r\n\r\n$body");
                $all[] = $c;
            }
            [$read, $none] = [$all, null];
            $early = stream_select($read, $none, $none, 10);
            $go->set(1);
            $answers = array_count_values(array_map(fn ($c) => substr(stream_get_contents($c), 9, 3), $all));
            $both = ($answers['200'] ?? 0) + ($answers['503'] ?? 0);
            $journal->record("$name: " . ($early ? 'some are refused at once' : 'nobody is refused') . ", $both answers, " .
                (($answers['200'] ?? 0) > 30 && ($answers['503'] ?? 0) > 0 ? 'most of them 200' : json_encode($answers)));
            posix_kill(posix_getppid(), SIGTERM);
            posix_kill(getmypid(), SIGKILL);
        }
        $http->start();
        pcntl_waitpid($child, $status);
        posix_kill(getmypid(), SIGKILL);
    }
    pcntl_waitpid($pid, $status);
    echo implode("\n", $journal->end()), "\n";
}

run('process mode, max_queued_bytes', SWOOLE_PROCESS, ['max_queued_bytes' => 65536, 'enable_coroutine' => false], false);
run('process mode, max_queued_bytes and coroutines', SWOOLE_PROCESS, ['max_queued_bytes' => 65536, 'worker_max_concurrency' => 1], true);
run('process mode, a line', SWOOLE_PROCESS, ['worker_max_concurrency' => 1], true);
run('base mode, max_queued_bytes and coroutines', SWOOLE_BASE, ['max_queued_bytes' => 65536, 'worker_max_concurrency' => 1], true);
run('base mode, a line', SWOOLE_BASE, ['worker_max_concurrency' => 1], true);
?>
--EXPECT--
-- a worker that is killed takes what waits, and its connection goes on
not all was taken
all was taken
-- HTTP
process: some are refused at once, 45 answers, most of them 200
base: some are refused at once, 45 answers, most of them 200
-- process mode, max_queued_bytes
little was taken
all of 1536 lines came, in order
answered done
-- process mode, max_queued_bytes and coroutines
little was taken
all of 1536 lines came, in order
answered done
-- process mode, a line
little was taken
all of 1536 lines came, in order
answered done
-- base mode, max_queued_bytes and coroutines
little was taken
all of 1536 lines came, in order
answered done
-- base mode, a line
little was taken
all of 1536 lines came, in order
answered done
