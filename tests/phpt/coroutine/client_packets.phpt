--TEST--
A client's recv() gives one record each, by end mark, by length and by a closure of its own
--EXTENSIONS--
swoole
sockets
--FILE--
<?php
use Swoole\Coroutine as Co;
Co\run(function () {
    $listener = new Co\Socket(AF_INET, SOCK_STREAM, 0);
    $listener->bind('127.0.0.1');
    $listener->listen();
    $ways = [
        ["a\r\nb\r\nc\r\n", ['open_eof_check' => true, 'package_eof' => "\r\n"]],
        ["a\nb\nc\n", ['open_eof_split' => true, 'package_eof' => "\n"]],
        ['aabbcc', ['open_length_check' => true, 'package_length_func' => fn (string $data) => strlen($data) >= 2 ? 2 : 0]],
    ];
    foreach ($ways as [$data, $settings]) {
        $client = new Co\Client(SWOOLE_SOCK_TCP);
        $client->set($settings);
        $client->connect('127.0.0.1', $listener->getsockname()['port']);
        $peer = $listener->accept();
        $peer->send($data);
        $peer->close();
        echo json_encode([$client->recv(2), $client->recv(2), $client->recv(2), $client->recv(2)]), "\n";
    }
});
?>
--EXPECT--
["a\r\n","b\r\n","c\r\n",""]
["a\n","b\n","c\n",""]
["aa","bb","cc",""]
