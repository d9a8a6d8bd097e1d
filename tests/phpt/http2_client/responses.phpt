--TEST--
Responses of an HTTP/2 server arrive with fields, body and trailers, and a stream or connection that ends early is reported
--EXTENSIONS--
swoole
pcntl
--FILE--
<?php
require __DIR__ . '/../inc/http2_peer.inc';
use Swoole\Coroutine\Http2\Client;
use Swoole\Http2\Request;
$head = http2_frame(1, 4, 1, "\x88" . http2_field('x-a', 'b'));
$ok = $head . http2_frame(0, 1, 1, 'body');
$cookies = http2_field('set-cookie', 'sid=1+2; path=/') . http2_field('set-cookie', 'two=2');
$replies = [
    'good' => [$ok, false],
    'no body' => [http2_frame(1, 5, 1, "\x88"), false],
    'trailers' => [$head . http2_frame(0, 0, 1, 'body') . http2_frame(1, 5, 1, http2_field('grpc-status', '0')), false],
    'padding' => [$head . http2_frame(0, 1 | 8, 1, "\x03data\0\0\0"), false],
    'continuation' => [http2_frame(1, 1, 1, "\x88") . http2_frame(9, 4, 1, http2_field('x-c', 'd')), false],
    'status 103 first' => [http2_frame(1, 4, 1, http2_field(':status', '103')) . $ok, false],
    'ping and unknown frame first' => [http2_frame(6, 0, 0, '12345678') . http2_frame(77, 0, 0, 'x') . $ok, false],
    'cookies' => [http2_frame(1, 5, 1, "\x88$cookies"), false],
    'reset' => [http2_frame(3, 0, 1, pack('N', 7)), false],
    'reset in the body' => [$head . http2_frame(0, 0, 1, 'half') . http2_frame(3, 0, 1, pack('N', 2)), false],
    'closed in the body' => [$head . http2_frame(0, 0, 1, 'half'), true],
    'goaway with an error' => [http2_frame(7, 0, 0, pack('NN', 1, 11) . 'calm down') . $ok, false],
    'goaway, then the response' => [http2_frame(7, 0, 0, pack('NN', 1, 0)) . $ok, false],
    'goaway before the request was seen' => [http2_frame(7, 0, 0, pack('NN', 0, 0)), false],
    'broken compression' => [http2_frame(1, 5, 1, "\xff\xff\xff\xff\xff\xff\xff"), false],
    'a promise' => [http2_frame(5, 4, 1, pack('N', 2) . "\x82\x84\x86" . http2_field(':authority', 'a')) . $ok, false],
    'a stream of nobody' => [http2_frame(1, 5, 9, "\x88") . $ok, false],
];
$port = http2_peer(array_values($replies));
Swoole\Coroutine\run(function () use ($replies, $port) {
    foreach ($replies as $name => $_) {
        $client = new Client('127.0.0.1', $port);
        $client->set(['timeout' => 10]);
        $client->connect();
        $client->send(new Request());
        $r = $client->recv();
        echo "$name: ", json_encode($r ? [$r->statusCode, $r->errCode, $r->headers, $r->data] : "$client->errCode last $client->serverLastStreamId"),
            ' connected ', json_encode($client->connected), $r && $r->cookies ? json_encode([$r->cookies, $r->set_cookie_headers]) : '', "\n";
        $client->close();
    }
});
--EXPECT--
good: [200,0,{"x-a":"b"},"body"] connected true
no body: [200,0,[],null] connected true
trailers: [200,0,{"x-a":"b","grpc-status":"0"},"body"] connected true
padding: [200,0,{"x-a":"b"},"data"] connected true
continuation: [200,0,{"x-c":"d"},null] connected true
status 103 first: [200,0,{"x-a":"b"},"body"] connected true
ping and unknown frame first: [200,0,{"x-a":"b"},"body"] connected true
cookies: [200,0,{"set-cookie":["sid=1+2; path=\/","two=2"]},null] connected true[{"sid":"1 2","two":"2"},["sid=1+2; path=\/","two=2"]]
reset: [-3,7,[],null] connected true
reset in the body: [-3,2,{"x-a":"b"},"half"] connected true
closed in the body: "104 last 0" connected false
goaway with an error: "11 last 1" connected false
goaway, then the response: [200,0,{"x-a":"b"},"body"] connected true
goaway before the request was seen: [-3,7,[],null] connected true
broken compression: "1 last 0" connected false
a promise: "1 last 0" connected false
a stream of nobody: "1 last 0" connected false
