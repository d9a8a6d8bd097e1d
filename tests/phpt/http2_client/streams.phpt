--TEST--
Swoosh\Http2\Client reads single streams with their head first and their trailers apart, and resets them under coroutines that wait
--EXTENSIONS--
swoole
pcntl
--FILE--
<?php
require __DIR__ . '/../inc/http2_peer.inc';
use Swoole\Coroutine as Co;
use Swoole\Http2\Request;
use Swoosh\Http2\Client;
$head = fn (int $stream) => http2_frame(1, 4, $stream, "\x88" . http2_field('x-stream', (string) $stream));
$trailers = fn (int $stream) => http2_frame(1, 5, $stream, http2_field('grpc-status', (string) $stream));
$port = http2_peer([
    // Both responses arrive before the second request is read: the second stream is answered first.
    [$head(1) . http2_frame(0, 0, 1, 'one') . $trailers(1), false],
    [$head(1), false],
    [$head(1) . http2_frame(0, 0, 1, 'part'), false],
    [http2_frame(4, 0, 0, pack('nN', 4, 0)), false],
    [$head(1) . http2_frame(0, 0, 1, 'half'), true],
]);
function request(bool $open = false): Request
{
    $r = new Request();
    [$r->method, $r->pipeline, $r->usePipelineRead] = ['POST', $open, true];
    return $r;
}
Co\run(function () use ($port) {
    $make = function () use ($port) {
        $client = new Client('127.0.0.1', $port);
        $client->set(['timeout' => 20]);
        $client->connect();
        return $client;
    };
    $show = fn ($client, $r) => $r ? json_encode([$r->statusCode, $r->headers, $r->data, $r->trailers, $r->pipeline]) : "error $client->errCode";

    $client = $make();
    $id = $client->send(request());
    do {
        $r = $client->recvStream($id);
        [$all['head'][], $all['data'][], $all['trailers'][]] = [$r->headers, $r->data, $r->trailers];
    } while ($r->pipeline);
    echo 'all parts ', json_encode(array_map(fn ($part) => array_values(array_filter($part)), $all)), "\n";
    echo 'after the end: ', $show($client, $client->recvStream($id)), ' a stream of nobody: ', $show($client, $client->recvStream(99)), ' reset ', json_encode($client->reset($id)), "\n";

    $client = $make();
    $id = $client->send(request(true));
    echo 'only the head ', $show($client, $client->recvStream($id)), ' then ', $show($client, $client->recvStream($id, 0.01)), "\n";
    $waiting = Co::create(function () use ($client, $id, $show) { $r = $show($client, $client->recvStream($id)); echo "reset under a reader: $r\n"; });
    var_dump($client->reset($id), $client->isStreamExist($id), $client->reset($id), $client->connected);
    Co::join([$waiting]);
    var_dump($client->write($id, 'x'));

    $client = $make();
    $id = $client->send(request());
    echo 'first part ', $show($client, $client->recvStream($id)), "\n";
    var_dump($client->reset($id, SWOOLE_HTTP2_ERROR_CANCEL), $client->stats('active_stream_num'));

    // A window of nothing: the writer waits until the stream is reset.
    $client = $make();
    $id = $client->send(request(true));
    Co::sleep(0.05);
    $writer = Co::create(function () use ($client, $id) { var_dump($client->write($id, str_repeat('x', 100000))); });
    $client->reset($id);
    Co::join([$writer]);
    echo "the writer has ended\n";

    $client = $make();
    $id = $client->send(request());
    for ($data = ''; ($r = $client->recvStream($id)) && $r->pipeline; $data .= $r->data);
    $data .= $r->data ?? '';
    echo "closed in the body $data ", $r ? $r->errCode : $client->errCode, "\n";
});
--EXPECT--
all parts {"head":[{"x-stream":"1"}],"data":["one"],"trailers":[{"grpc-status":"1"}]}
after the end: error 125 a stream of nobody: error 125 reset false
only the head [200,{"x-stream":"1"},null,[],true] then error 110
bool(true)
bool(false)
bool(false)
bool(true)
reset under a reader: error 125
bool(false)
first part [200,{"x-stream":"1"},"part",[],true]
bool(true)
int(0)
bool(false)
the writer has ended
closed in the body half 2
