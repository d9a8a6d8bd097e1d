<?php
// PHP's own sleep() and streams do not block other coroutines with hooks: ten concurrent requests to a slow server.
//
//     php -d extension=target/release/libswoosh_php.so examples/php/co_runtime.php
use Swoole\Coroutine as Co;

Co::set(['hook_flags' => SWOOLE_HOOK_SLEEP | SWOOLE_HOOK_TCP]);
Co\run(function () {
    $server = stream_socket_server('tcp://127.0.0.1:0');
    $address = stream_socket_get_name($server, false);
    go(function () use ($server) {
        for ($n = 0; $n < 10; $n++) {
            $client = stream_socket_accept($server);
            go(function () use ($client) {
                while (trim(fgets($client)) !== '');
                usleep(100_000);
                fwrite($client, "HTTP/1.0 200 OK\r\nContent-Length: 4\r\n\r\nslow");
                fclose($client);
            });
        }
    });
    $begin = microtime(true);
    $urls = array_fill(0, 10, "http://$address/");
    $answers = Swoole\Coroutine\map($urls, fn ($url) => file_get_contents($url));
    echo implode(' ', $answers), "\n";
    echo microtime(true) - $begin < 0.5 ? "concurrently\n" : "one after the other\n";
});
