--TEST--
swoole.state_leaks names what a request leaves behind, and where it was written; clean requests are not reported
--EXTENSIONS--
swoole
pcntl
posix
--INI--
swoole.state_leaks=1
--FILE--
<?php
class Counter { public static int $hits = 0; public static array $seen = []; }
$free = stream_socket_server('tcp://127.0.0.1:0');
$port = (int) substr(strrchr(stream_socket_get_name($free, false), ':'), 1);
fclose($free);
$log = sys_get_temp_dir() . '/leaks' . getmypid();
if (!$pid = pcntl_fork()) {
    $server = new Swoole\Http\Server('127.0.0.1', $port);
    $server->set(['worker_num' => 1, 'log_file' => $log, 'log_level' => SWOOLE_LOG_WARNING]);
    $server->on('request', function ($request, $response) {
        switch ($request->server['request_uri']) {
            case '/static':
                Counter::$hits++;
                Counter::$seen['x'] = new stdClass;
                break;
            case '/ini':
                ini_set('precision', '5');
                date_default_timezone_set('Asia/Tokyo');
                putenv('LEAKED=yes');
                break;
            case '/handler':
                set_error_handler(fn () => true);
                $GLOBALS['left'] = 1;
                Swoole\Timer::after(100000, fn () => null);
                break;
            case '/clean':
                $before = ini_set('precision', '7');
                ini_set('precision', $before);
                $local = new ArrayObject([1]);
        }
        $response->end('done');
    });
    $server->on('workerExit', fn () => Swoole\Timer::clearAll());
    $server->start();
    exit;
}
foreach (['/static', '/ini', '/handler', '/clean'] as $path) {
    for ($end = microtime(true) + 20; @file_get_contents("http://127.0.0.1:$port$path") !== 'done' && microtime(true) < $end; usleep(5000));
}
posix_kill($pid, SIGTERM);
pcntl_waitpid($pid, $status);
$lines = preg_replace(['~^.*?(state leak)~', '~[^ ]*state_leaks\.php~', '~#\d+~', '~\) [0-9a-f]{8}~'], ['$1', 'FILE', '#N', ') (digest)'], file($log, FILE_IGNORE_NEW_LINES));
echo implode("\n", preg_grep('/^state leak/', $lines)), "\n";
unlink($log);
?>
--EXPECT--
state leak by GET /static: static Counter::$hits was 0, is 1, last written at FILE:13
state leak by GET /static: static Counter::$seen was array(0) (digest), is array(1) (digest), last written at FILE:14
state leak by GET /ini: ini precision was "14", is "5", last written at FILE:17
state leak by GET /ini: environment LEAKED was nothing, is "yes", last written at FILE:19
state leak by GET /ini: timezone was UTC, is Asia/Tokyo, last written at FILE:18
state leak by GET /handler: global $left was nothing, is 1
state leak by GET /handler: error handler was NULL, is Closure#N, last written at FILE:22
state leak by GET /handler: timers was 0, is 1
