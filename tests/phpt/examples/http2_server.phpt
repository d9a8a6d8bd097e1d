--TEST--
Example http2_server.php serves HTTP/2, HTTP/1.1 and a WebSocket on one port
--EXTENSIONS--
swoole
posix
--FILE--
<?php
require __DIR__ . '/../inc/example.inc';
$server = Example::start('http2_server');
Swoole\Coroutine\run(function () use ($server) {
    $port = $server->ports[0];
    $client = new Swoole\Coroutine\Http2\Client('127.0.0.1', $port);
    $client->set(['timeout' => 10]);
    $client->connect();
    foreach (['/count', '/', '/goodbye'] as $path) {
        $request = new Swoole\Http2\Request();
        $request->path = $path;
        $client->send($request);
    }
    $answers = [];
    for ($n = 0; $n < 3; $n++) {
        $answer = $client->recv();
        $answers[$answer->streamId] = json_encode($answer->data) . ' sum ' . json_encode($answer->headers['sum'] ?? null);
    }
    ksort($answers);
    echo implode("\n", $answers), "\n", 'ended ', json_encode($client->serverLastStreamId > 0), "\n";
    $old = new Swoole\Coroutine\Http\Client('127.0.0.1', $port);
    $old->get('/old');
    echo $old->body;
    $old->upgrade('/chat');
    $old->push('hello');
    echo $old->recv(10)->data, "\n";
});
echo 'status ', $server->stop(), "\n";
?>
--EXPECT--
"1\n2\n3\n4\n5\n" sum "15"
"HTTP\/2 stream 3\n" sum null
"goodbye\n" sum null
ended true
HTTP/1.1 stream 0
you said: hello
status 0
