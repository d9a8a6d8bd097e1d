--TEST--
The gRPC client turns whatever a server does wrong into a status: other content, resets, missing statuses, broken messages, lost connections
--EXTENSIONS--
swoole
pcntl
--FILE--
<?php
require __DIR__ . '/../inc/http2_peer.inc';
use Swoosh\Grpc\{Client, Exception, Status};
$fields = function (array $fields) { $all = ''; foreach ($fields as $name => $value) $all .= http2_field($name, (string) $value); return $all; };
$head = fn (array $more = [], bool $ends = false) => http2_frame(1, $ends ? 5 : 4, 1, "\x88" . $fields($more + ['content-type' => 'application/grpc']));
$data = fn (string $bytes, bool $ends = false) => http2_frame(0, (int) $ends, 1, $bytes);
$message = fn (string $bytes, int $flag = 0) => pack('CN', $flag, strlen($bytes)) . $bytes;
$trailers = fn (array $all) => http2_frame(1, 5, 1, $fields($all));
$ok = $trailers(['grpc-status' => 0]);
$reset = fn (int $code) => http2_frame(3, 0, 1, pack('N', $code));
$replies = [
    'good' => $head() . $data($message('reply')) . $ok,
    'only trailers' => $head(['grpc-status' => 7, 'grpc-message' => 'no%20entry%3A%20%C3%BC', 'x-why' => 'because'], true),
    'in pieces' => $head() . $data("\0") . $data("\0\0\0\5re") . $data('ply') . $ok,
    'status text without percent' => $head() . $trailers(['grpc-status' => 3, 'grpc-message' => '100% %zz']),
    'no status' => $head() . $data($message('reply'), true),
    'status is no number' => $head() . $trailers(['grpc-status' => 'x']),
    'unknown status' => $head() . $trailers(['grpc-status' => 99]),
    'no reply' => $head() . $ok,
    'two replies' => $head() . $data($message('one') . $message('two')) . $ok,
    'HTML' => http2_frame(1, 4, 1, "\x88" . $fields(['content-type' => 'text/html'])) . $data('<p>', true),
    'gRPC-Web' => http2_frame(1, 5, 1, "\x88" . $fields(['content-type' => 'application/grpc-web'])),
    'with a codec' => http2_frame(1, 4, 1, "\x88" . $fields(['content-type' => 'application/grpc+proto'])) . $data($message('reply')) . $ok,
    'HTTP 404' => http2_frame(1, 5, 1, "\x8d"),
    'HTTP 503' => http2_frame(1, 5, 1, $fields([':status' => 503])),
    'reset CANCEL' => $reset(8), 'reset ENHANCE_YOUR_CALM' => $reset(11), 'reset INTERNAL_ERROR' => $head() . $reset(2),
    'cut message' => $head() . $data("\0\0\0\0\5re") . $ok,
    'bad flag' => $head() . $data($message('reply', 2)) . $ok,
    'compressed without encoding' => $head() . $data($message('reply', 1)) . $ok,
    'unknown encoding' => $head(['grpc-encoding' => 'snappy']) . $data($message('reply', 1)) . $ok,
    'gzip' => $head(['grpc-encoding' => 'gzip']) . $data($message(gzencode('reply'), 1)) . $ok,
    'gzip not used' => $head(['grpc-encoding' => 'gzip']) . $data($message('reply')) . $ok,
    'broken gzip' => $head(['grpc-encoding' => 'gzip']) . $data($message('reply', 1)) . $ok,
    'cut gzip' => $head(['grpc-encoding' => 'gzip']) . $data($message(substr(gzencode('reply'), 0, -9), 1)) . $ok,
    'a bomb' => $head(['grpc-encoding' => 'gzip']) . $data($message(gzencode(str_repeat('b', 6 << 20)), 1)) . $ok,
    'too long' => $head() . $data(pack('CN', 0, (4 << 20) + 1) . 'beginning'),
    'closed' => '', 'closed in the reply' => $head() . $data("\0\0"),
    'goaway' => http2_frame(7, 0, 0, pack('NN', 0, 0)), 'after the goaway' => $head() . $data($message('from another connection')) . $ok,
];
$closes = ['closed', 'closed in the reply'];
$port = http2_peer(array_map(fn ($name) => [$replies[$name], in_array($name, $closes)], array_keys($replies)));
Swoole\Coroutine\run(function () use ($replies, $port) {
    foreach ($replies as $name => $_) {
        if ($name === 'after the goaway') {
            continue;
        }
        $client = new Client('127.0.0.1', $port, ['timeout' => 20]);
        try {
            $shown = json_encode($client->unary('/a/b', 'x'));
        } catch (Exception $e) {
            $shown = Status::nameOf($e->getCode()) . ' ' . str_replace("127.0.0.1:$port", 'SERVER', $e->getMessage()) . ($e->getMetadata() ? ' ' . json_encode($e->getMetadata()) : '');
        }
        echo "$name: $shown\n";
        $client->close();
    }
});
--EXPECT--
good: "reply"
only trailers: PERMISSION_DENIED no entry: ü {"x-why":["because"]}
in pieces: "reply"
status text without percent: INVALID_ARGUMENT 100% %zz
no status: UNKNOWN the server has sent no status
status is no number: UNKNOWN 
unknown status: status 99 
no reply: INTERNAL the call has ended without a reply
two replies: INTERNAL there is more than one reply
HTML: UNKNOWN the response is not one of gRPC: status 200, content type 'text/html'
gRPC-Web: UNKNOWN the response is not one of gRPC: status 200, content type 'application/grpc-web'
with a codec: "reply"
HTTP 404: UNIMPLEMENTED the response is not one of gRPC: status 404, content type ''
HTTP 503: UNAVAILABLE the response is not one of gRPC: status 503, content type ''
reset CANCEL: CANCELLED the server has reset the stream: error 8
reset ENHANCE_YOUR_CALM: RESOURCE_EXHAUSTED the server has reset the stream: error 11
reset INTERNAL_ERROR: INTERNAL the server has reset the stream: error 2
cut message: INTERNAL the last message is incomplete
bad flag: INTERNAL a message begins with byte 2
compressed without encoding: INTERNAL a compressed message, but the encoding is identity
unknown encoding: INTERNAL messages are compressed as 'snappy', which is not known
gzip: "reply"
gzip not used: "reply"
broken gzip: INTERNAL a compressed message is malformed
cut gzip: INTERNAL a compressed message is incomplete
a bomb: RESOURCE_EXHAUSTED a message has more than 4194304 bytes without its compression
too long: RESOURCE_EXHAUSTED a message has 4194305 bytes, more than 4194304
closed: UNAVAILABLE SERVER has closed the connection
closed in the reply: UNAVAILABLE SERVER has closed the connection
goaway: "from another connection"
