--TEST--
A server does not start with settings of the wrong type, and logs a notice where a number out of range is replaced
--EXTENSIONS--
swoole
pcntl
--FILE--
<?php
foreach ([
    ['task_worker_num' => -3], ['reactor_num' => 'two'], ['max_request' => -1], ['heartbeat_idle_time' => -3],
    ['http2_max_frame_size' => 'abc'], ['send_timeout' => 'soon'], ['http_compression_level' => 'x'], ['document_root' => []],
    ['static_handler_locations' => '/static'], ['max_coroutine' => 'many'],
    ['http2_max_frame_size' => 1], ['http2_init_window_size' => -1], ['http_compression_level' => 99], ['max_coroutine' => -4],
    ['http2_max_frame_size' => '32768', 'static_handler_locations' => false, 'send_timeout' => -1],
] as $settings) {
    $pid = pcntl_fork();
    if ($pid === 0) {
        echo json_encode($settings), "\n";
        $server = new Swoole\Http\Server('127.0.0.1', 0, SWOOLE_BASE);
        $server->set(['log_level' => SWOOLE_LOG_NOTICE] + $settings);
        $server->on('request', fn () => null);
        $server->on('start', function ($server) { echo "started\n"; $server->shutdown(); });
        $server->start();
        exit;
    }
    pcntl_waitpid($pid, $status);
}
Swoole\Coroutine::set(['max_coroutine' => 'many']);
Swoole\Coroutine::set(['socket_timeout' => -1]);
?>
--EXPECTF--
{"task_worker_num":-3}

Fatal error: Swoole\Server::start(): setting task_worker_num: -3 is refused: a whole number from 0 to 2000 (processes: 1000 for each core) in %s on line %d
{"reactor_num":"two"}

Fatal error: Swoole\Server::start(): setting reactor_num: "two" is refused: a whole number from 1 to 256 (threads) in %s on line %d
{"max_request":-1}

Fatal error: Swoole\Server::start(): setting max_request: -1 is refused: a whole number from 0 to 4294967295 (a number) in %s on line %d
{"heartbeat_idle_time":-3}

Fatal error: Swoole\Server::start(): setting heartbeat_idle_time: -3 is refused: a whole number from 0 to 4294967295 (seconds) in %s on line %d
{"http2_max_frame_size":"abc"}

Fatal error: Swoole\Server::start(): setting http2_max_frame_size: "abc" is refused: a whole number from 16384 to 16777215 (bytes) in %s on line %d
{"send_timeout":"soon"}

Fatal error: Swoole\Server::start(): setting send_timeout: "soon" is refused: a number from 0 to 4294967295 (seconds) in %s on line %d
{"http_compression_level":"x"}

Fatal error: Swoole\Server::start(): setting http_compression_level: "x" is refused: a whole number from 1 to 11 (a level) in %s on line %d
{"document_root":[]}

Fatal error: Swoole\Server::start(): setting document_root: [] is refused: a path, which has no NUL byte in %s on line %d
{"static_handler_locations":"\/static"}

Fatal error: Swoole\Server::start(): setting static_handler_locations: "/static" is refused: a list of strings in %s on line %d
{"max_coroutine":"many"}

Fatal error: Swoole\Server::start(): setting max_coroutine: "many" is refused: a whole number from 0 to 9223372036854775807 (coroutines) in %s on line %d
{"http2_max_frame_size":1}
[%s]	NOTICE	setting http2_max_frame_size: 1 is out of range, 16384 is used: a whole number from 16384 to 16777215 (bytes)
started
{"http2_init_window_size":-1}
[%s]	NOTICE	setting http2_init_window_size: -1 is out of range, 1 is used: a whole number from 1 to 2147483647 (bytes)
started
{"http_compression_level":99}
[%s]	NOTICE	setting http_compression_level: 99 is out of range, 11 is used: a whole number from 1 to 11 (a level)
started
{"max_coroutine":-4}
[%s]	NOTICE	setting max_coroutine: -4 is out of range, 0 is used: a whole number from 0 to 9223372036854775807 (coroutines)
started
{"http2_max_frame_size":"32768","static_handler_locations":false,"send_timeout":-1}
started

Warning: Swoole\Coroutine::set(): setting max_coroutine: "many" is refused: a whole number from 0 to 9223372036854775807 (coroutines) in %s on line %d
