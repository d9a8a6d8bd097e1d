--TEST--
gRPC refuses settings of the wrong type or out of range, suggests the right name for a wrong one, and refuses a second handler of a method
--EXTENSIONS--
swoole
--FILE--
<?php
use Swoosh\Grpc\{Client, Server, Service};
Co\run(function () {
set_error_handler(function (int $level, string $text) { echo "warning: $text\n"; return true; });
foreach ([
    'client' => [['timeout' => 'soon'], ['timeout' => -1], ['tiemout' => 3], ['max_message_length' => 0], ['metadata' => 'x'], ['compression' => 'snappy'], ['http2_max_frame_size' => 'abc'], ['ssl_verify_pear' => true], ['connect_timeout' => 1.5]],
    'service' => [['max_message_length' => -5], ['max_message_length' => 'x'], ['max_mesage_length' => 9], ['compression' => 'br'], ['max_message_length' => 9]],
    'server' => [['worker_num' => -1], ['wroker_num' => 2], ['idle_timeout' => 'x'], ['http2_init_window_size' => 0], ['http2_max_frame_size' => 'abc'], ['ssl_cert_file' => []], ['max_wait_time' => 1.5]],
] as $of => $all) {
    foreach ($all as $settings) {
        echo "$of ", json_encode($settings), ': ';
        try {
            match ($of) {
                'client' => new Client('127.0.0.1', 1, $settings),
                'service' => new Service($settings),
                'server' => new Server('127.0.0.1', 0, $settings),
            };
            echo "accepted\n";
        } catch (InvalidArgumentException $e) {
            echo $e->getMessage(), "\n";
        }
    }
}
$service = (new Service())->unary('/a.B/C', strrev(...));
try {
    $service->bidiStream('/a.B/C', strrev(...));
} catch (InvalidArgumentException $e) {
    echo $e->getMessage(), "\n";
}
foreach ([-1.0, NAN] as $timeout) {
    try {
        (new Client('127.0.0.1', 1))->unary('/a.B/C', '', null, [], $timeout);
    } catch (InvalidArgumentException $e) {
        echo $e->getMessage(), "\n";
    }
}
});
?>
--EXPECT--
client {"timeout":"soon"}: setting timeout: "soon" is refused: a number from 0 to 4294967295 (seconds)
client {"timeout":-1}: setting timeout: -1 is refused: a number from 0 to 4294967295 (seconds)
client {"tiemout":3}: warning: gRPC client: unknown setting tiemout; did you mean timeout?
accepted
client {"max_message_length":0}: setting max_message_length: 0 is refused: a whole number from 1 to 4294967295 (bytes)
client {"metadata":"x"}: setting metadata: "x" is refused: values by name
client {"compression":"snappy"}: setting compression: "snappy" is refused: identity or gzip or deflate
client {"http2_max_frame_size":"abc"}: setting http2_max_frame_size: "abc" is refused: a whole number from 16384 to 16777215 (bytes)
client {"ssl_verify_pear":true}: warning: gRPC client: unknown setting ssl_verify_pear; did you mean ssl_verify_peer?
accepted
client {"connect_timeout":1.5}: accepted
service {"max_message_length":-5}: setting max_message_length: -5 is refused: a whole number from 1 to 4294967295 (bytes)
service {"max_message_length":"x"}: setting max_message_length: "x" is refused: a whole number from 1 to 4294967295 (bytes)
service {"max_mesage_length":9}: warning: gRPC service: unknown setting max_mesage_length; did you mean max_message_length?
accepted
service {"compression":"br"}: setting compression: "br" is refused: identity or gzip or deflate
service {"max_message_length":9}: accepted
server {"worker_num":-1}: setting worker_num: -1 is refused: a whole number from 0 to 10000 (processes)
server {"wroker_num":2}: warning: gRPC server: unknown setting wroker_num; did you mean worker_num?
accepted
server {"idle_timeout":"x"}: setting idle_timeout: "x" is refused: a number from 0 to 4294967295 (seconds)
server {"http2_init_window_size":0}: setting http2_init_window_size: 0 is refused: a whole number from 1 to 2147483647 (bytes)
server {"http2_max_frame_size":"abc"}: setting http2_max_frame_size: "abc" is refused: a whole number from 16384 to 16777215 (bytes)
server {"ssl_cert_file":[]}: setting ssl_cert_file: [] is refused: a path, which has no NUL byte
server {"max_wait_time":1.5}: accepted
the method /a.B/C has a handler already
a timeout of -1 is refused: a number of seconds, 0 for no limit, or null for that of the settings
a timeout of NAN is refused: a number of seconds, 0 for no limit, or null for that of the settings
