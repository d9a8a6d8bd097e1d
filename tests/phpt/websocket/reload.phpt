--TEST--
WebSocket: 6 reloads while 8 clients talk: unnoticed in process mode, closed in order in base mode
--EXTENSIONS--
swoole
pcntl
posix
--FILE--
<?php
require __DIR__ . '/../inc/http.inc';
/** Like http_serve, for WebSocket. */
function ws_serve(array $settings, callable $message, callable $driver, int $mode): void
{
    $server = new Swoole\WebSocket\Server('127.0.0.1', 0, $mode);
    $server->set($settings + ['log_level' => SWOOLE_LOG_NONE]);
    $server->on('message', $message);
    $parent = getmypid();
    if (!$pid = pcntl_fork()) {
        $GLOBALS['port'] = $server->port;
        try {
            $driver();
        } catch (Throwable $e) {
            echo get_class($e), ': ', $e->getMessage(), "\n";
        }
        posix_kill($parent, SIGTERM);
        posix_kill(getmypid(), SIGKILL);
    }
    $server->start();
    pcntl_waitpid($pid, $status);
}
foreach (['process' => SWOOLE_PROCESS, 'base' => SWOOLE_BASE] as $name => $mode) {
    $talk = function () use ($name) {
        $parent = posix_getppid();
        $sockets = array_map(fn () => ws_open(), range(1, 8));
        $pids = [];
        $said = $heard = $closed = $broken = $number = 0;
        $end = microtime(true) + 10;
        for ($reloads = 0, $next = microtime(true); microtime(true) < $end && ($reloads < 6 || microtime(true) < $next);) {
            if ($reloads < 6 && microtime(true) > $next) {
                // By now the workers of the last reload are running and have received messages.
                posix_kill($parent, SIGUSR1);
                $reloads++;
                $next = microtime(true) + 0.3;
            }
            $number++;
            foreach ($sockets as $n => $s) {
                $said++;
                @fwrite($s, ws_frame("$n $number"));
            }
            foreach ($sockets as $n => $s) {
                $frame = ws_read($s);
                if ($frame && $frame[0] === '81' && str_starts_with($frame[1], "$n $number ")) {
                    $heard++;
                    $pids[substr($frame[1], strlen("$n $number "))] = true;
                } else {
                    // Going away (RFC 6455 section 7.4.1), or the end of the connection.
                    $frame === null || $frame[0] === '88' ? $closed++ : $broken++;
                    $sockets[$n] = ws_open();
                }
            }
        }
        $right = $name === 'process' ? $said === $heard && !$closed : $closed > 0 && $said === $heard + $closed;
        echo $right && !$broken ? "$name: each was answered, or closed with its worker\n" : "$name: $said said, $heard heard, $closed closed, $broken broken\n";
        echo $reloads, ' reloads, ', count($pids) >= 8 ? "many workers\n" : count($pids) . " workers\n";
    };
    ws_serve(['worker_num' => 2], fn ($server, $frame) => $server->push($frame->fd, $frame->data . ' ' . getmypid()), $talk, $mode);
}
?>
--EXPECT--
process: each was answered, or closed with its worker
6 reloads, many workers
base: each was answered, or closed with its worker
6 reloads, many workers
