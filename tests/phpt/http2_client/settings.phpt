--TEST--
An HTTP/2 client warns of misspelt settings, not of those of other libraries, and leaves out values of the wrong type or out of range
--EXTENSIONS--
swoole
--FILE--
<?php
set_error_handler(function (int $level, string $text) { echo "warning: $text\n"; return true; });
foreach ([Swoole\Coroutine\Http2\Client::class, Swoole\Coroutine\Http2\MultiplexClient::class, Swoosh\Http2\Client::class] as $class) {
    $client = new $class('127.0.0.1', 80);
    foreach ([
        ['timeout' => 1.5, 'ssl_host_name' => 'a.test', 'http2_init_window_size' => 65535],
        ['timeout' => -1, 'heartbeat_idle_time' => 0],
        ['tiemout' => 3],
        ['credentials' => null, 'send_yield' => true],
        ['timeout' => 'soon'],
        ['http2_max_frame_size' => 'abc', 'read_timeout' => 2],
        ['http2_max_frame_size' => 1],
        ['http2_init_window_size' => -1],
        ['bind_port' => 70000],
        ['bind_address' => ['127.0.0.1']],
        ['timeout' => null],
    ] as $settings) {
        echo json_encode($settings), ' ';
        $done = $client->set($settings);
        echo json_encode($done), "\n";
    }
    echo json_encode($client->setting), "\n";
}
?>
--EXPECT--
{"timeout":1.5,"ssl_host_name":"a.test","http2_init_window_size":65535} true
{"timeout":-1,"heartbeat_idle_time":0} true
{"tiemout":3} warning: Swoole\Coroutine\Http2\Client::set(): unknown setting tiemout; did you mean timeout?
true
{"credentials":null,"send_yield":true} true
{"timeout":"soon"} warning: Swoole\Coroutine\Http2\Client::set(): setting timeout: "soon" is refused: a number from -1 to 4294967295 (seconds)
false
{"http2_max_frame_size":"abc","read_timeout":2} warning: Swoole\Coroutine\Http2\Client::set(): setting http2_max_frame_size: "abc" is refused: a whole number from 16384 to 16777215 (bytes)
false
{"http2_max_frame_size":1} warning: Swoole\Coroutine\Http2\Client::set(): setting http2_max_frame_size: 1 is refused: a whole number from 16384 to 16777215 (bytes)
false
{"http2_init_window_size":-1} warning: Swoole\Coroutine\Http2\Client::set(): setting http2_init_window_size: -1 is refused: a whole number from 0 to 2147483647 (bytes)
false
{"bind_port":70000} warning: Swoole\Coroutine\Http2\Client::set(): setting bind_port: 70000 is refused: a whole number from 0 to 65535 (a port)
false
{"bind_address":["127.0.0.1"]} warning: Swoole\Coroutine\Http2\Client::set(): setting bind_address: ["127.0.0.1"] is refused: a string in UTF-8
false
{"timeout":null} true
{"timeout":null,"ssl_host_name":"a.test","http2_init_window_size":65535,"heartbeat_idle_time":0,"tiemout":3,"credentials":null,"send_yield":true,"read_timeout":2}
{"timeout":1.5,"ssl_host_name":"a.test","http2_init_window_size":65535} true
{"timeout":-1,"heartbeat_idle_time":0} true
{"tiemout":3} warning: Swoole\Coroutine\Http2\Client::set(): unknown setting tiemout; did you mean timeout?
true
{"credentials":null,"send_yield":true} true
{"timeout":"soon"} warning: Swoole\Coroutine\Http2\Client::set(): setting timeout: "soon" is refused: a number from -1 to 4294967295 (seconds)
false
{"http2_max_frame_size":"abc","read_timeout":2} warning: Swoole\Coroutine\Http2\Client::set(): setting http2_max_frame_size: "abc" is refused: a whole number from 16384 to 16777215 (bytes)
false
{"http2_max_frame_size":1} warning: Swoole\Coroutine\Http2\Client::set(): setting http2_max_frame_size: 1 is refused: a whole number from 16384 to 16777215 (bytes)
false
{"http2_init_window_size":-1} warning: Swoole\Coroutine\Http2\Client::set(): setting http2_init_window_size: -1 is refused: a whole number from 0 to 2147483647 (bytes)
false
{"bind_port":70000} warning: Swoole\Coroutine\Http2\Client::set(): setting bind_port: 70000 is refused: a whole number from 0 to 65535 (a port)
false
{"bind_address":["127.0.0.1"]} warning: Swoole\Coroutine\Http2\Client::set(): setting bind_address: ["127.0.0.1"] is refused: a string in UTF-8
false
{"timeout":null} true
{"timeout":null,"ssl_host_name":"a.test","http2_init_window_size":65535,"heartbeat_idle_time":0,"tiemout":3,"credentials":null,"send_yield":true,"read_timeout":2}
{"timeout":1.5,"ssl_host_name":"a.test","http2_init_window_size":65535} true
{"timeout":-1,"heartbeat_idle_time":0} true
{"tiemout":3} warning: Swoole\Coroutine\Http2\Client::set(): unknown setting tiemout; did you mean timeout?
true
{"credentials":null,"send_yield":true} true
{"timeout":"soon"} warning: Swoole\Coroutine\Http2\Client::set(): setting timeout: "soon" is refused: a number from -1 to 4294967295 (seconds)
false
{"http2_max_frame_size":"abc","read_timeout":2} warning: Swoole\Coroutine\Http2\Client::set(): setting http2_max_frame_size: "abc" is refused: a whole number from 16384 to 16777215 (bytes)
false
{"http2_max_frame_size":1} warning: Swoole\Coroutine\Http2\Client::set(): setting http2_max_frame_size: 1 is refused: a whole number from 16384 to 16777215 (bytes)
false
{"http2_init_window_size":-1} warning: Swoole\Coroutine\Http2\Client::set(): setting http2_init_window_size: -1 is refused: a whole number from 0 to 2147483647 (bytes)
false
{"bind_port":70000} warning: Swoole\Coroutine\Http2\Client::set(): setting bind_port: 70000 is refused: a whole number from 0 to 65535 (a port)
false
{"bind_address":["127.0.0.1"]} warning: Swoole\Coroutine\Http2\Client::set(): setting bind_address: ["127.0.0.1"] is refused: a string in UTF-8
false
{"timeout":null} true
{"timeout":null,"ssl_host_name":"a.test","http2_init_window_size":65535,"heartbeat_idle_time":0,"tiemout":3,"credentials":null,"send_yield":true,"read_timeout":2}
