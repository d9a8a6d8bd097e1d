--TEST--
Reloads of a server lose no request: of h2load in process mode, which keeps connections, and of curl in base mode, which ends them
--SKIPIF--
<?php
if (!shell_exec('command -v h2load')) die('skip needs h2load');
if (!str_contains((string) shell_exec('curl --version'), 'HTTP2')) die('skip needs a curl with HTTP/2');
?>
--EXTENSIONS--
swoole
pcntl
posix
--FILE--
<?php
require __DIR__ . '/../inc/http.inc';
foreach ([SWOOLE_PROCESS, SWOOLE_BASE] as $mode) {
    $starts = new Swoole\Atomic();
    $load = function () use ($starts, $mode) {
        fclose(http_dial());
        $url = "http://127.0.0.1:{$GLOBALS['port']}";
        $command = $mode === SWOOLE_PROCESS
            ? "h2load -n 3000 -c 3 -m 5 $url/ 2>&1"
            : "curl -s --http2 -o /dev/null -w '%{http_version} %{http_code}\n' '$url/[1-400]' 2>&1";
        $load = proc_open($command, [1 => ['pipe', 'w']], $pipes);
        for ($n = 0; $n < 3; $n++) {
            usleep(150000);
            posix_kill(posix_getppid(), SIGUSR1);
        }
        $text = stream_get_contents($pipes[1]);
        proc_close($load);
        echo preg_match('~requests: .*~', $text, $line) ? $line[0] : json_encode(array_count_values(explode("\n", trim($text)))), "\n";
        for ($i = 0; $i < 500 && $starts->get() < 4; $i++) {
            usleep(10000);
        }
        echo 'reloaded ', json_encode($starts->get() >= 4), "\n";
    };
    $answer = function ($request, $response) {
        Swoole\Coroutine::sleep(0.002);
        $response->end('answer');
    };
    http_serve(['open_http2_protocol' => true, 'worker_num' => 2], $answer, $load, $mode, function ($server) use ($starts) {
        $server->on('workerStart', fn () => $starts->add());
    });
}
?>
--EXPECT--
requests: 3000 total, 3000 started, 3000 done, 3000 succeeded, 0 failed, 0 errored, 0 timeout
reloaded true
{"2 200":400}
reloaded true
