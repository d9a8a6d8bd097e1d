--TEST--
The gRPC client makes calls of all four kinds to grpcio, with metadata, statuses, deadlines, compression and limits
--SKIPIF--
<?php
require __DIR__ . '/../inc/grpc.inc';
need_grpcio();
--EXTENSIONS--
swoole
pcntl
--FILE--
<?php
require __DIR__ . '/../inc/grpc.inc';
use Swoole\Coroutine as Co;
use Swoosh\Grpc\{Client, Exception, Status};
$peer = new PythonProgram(__DIR__ . '/../inc/grpc_peer.py');
$port = (int) $peer->line();
/** What a call returns, or how it fails. */
function outcome(callable $call): string
{
    try {
        $result = $call();
        return is_string($result) && strlen($result) > 60 ? strlen($result) . ' bytes' : json_encode($result, JSON_UNESCAPED_UNICODE | JSON_UNESCAPED_SLASHES);
    } catch (Exception $e) {
        // The server may notice first.
        return Status::nameOf($e->getCode()) . ': ' . preg_replace('/^Deadline Exceeded$/', 'the deadline has passed', preg_replace('/:\d{4,5}\b.*/s', '', $e->getMessage()));
    }
}
Co\run(function () use ($port) {
    $client = new Client('127.0.0.1', $port, ['timeout' => 20]);
    echo "-- unary\n";
    echo outcome(fn () => $client->unary('/test.Peer/Unary', 'hello')), "\n";
    echo outcome(fn () => $client->unary('/test.Peer/Unary', '')), "\n";
    $large = random_bytes(1_000_000);
    var_dump($client->unary('/test.Peer/Unary', $large) === $large);
    echo outcome(fn () => $client->unary('/test.Peer/Fail', 'x')), "\n";
    echo outcome(fn () => $client->unary('/test.Peer/Broken', 'x')), "\n";
    echo outcome(fn () => $client->unary('/test.Peer/Nothing', 'x')), "\n";
    echo outcome(fn () => $client->unary('/test.Peer/Big', (string) (4 << 20))), ' ', outcome(fn () => $client->unary('/test.Peer/Big', (string) ((4 << 20) + 1))), "\n";
    try {
        $client->unary('/test.Peer/Fail', 'x');
    } catch (Exception $e) {
        echo json_encode($e->getMetadata()), "\n";
    }

    echo "-- metadata\n";
    $call = $client->serverStream('/test.Peer/Count', '2', null, ['X-Text' => 'plain', 'x-list' => ['a', 'b'], 'x-bytes-bin' => "\0\xff\n"]);
    $metadata = $call->metadata();
    echo json_encode([$metadata['x-text'], $metadata['x-list'], bin2hex($metadata['x-bytes-bin'][0])]), "\n";
    echo json_encode(iterator_to_array($call)), ' ', $call->status()->code, ' ', $call->status()->metadata['x-trailer'][0], ' ', bin2hex($call->status()->metadata['x-trailer-bin'][0]), "\n";
    foreach (['grpc-own' => 'x', 'te' => 'x', 'a b' => 'x', 'x' => "\n", "x\n" => 'x'] as $key => $value) {
        try {
            $client->unary('/test.Peer/Unary', 'x', null, [$key => $value]);
            echo "sent\n";
        } catch (InvalidArgumentException $e) {
            echo json_encode($e->getMessage()), "\n";
        }
    }

    echo "-- streams\n";
    $all = iterator_to_array($client->serverStream('/test.Peer/Count', '5000'), false);
    echo count($all), " $all[4999]\n";
    $call = $client->serverStream('/test.Peer/CountAndFail', '');
    echo outcome(fn () => $call->read()), ' then ', outcome(fn () => $call->read()), ' again ', outcome(fn () => $call->read()), ' ', $call->status()->details, "\n";
    $call = $client->clientStream('/test.Peer/Join');
    foreach (['a', 'b', '', 'c'] as $part) {
        $call->write($part);
    }
    echo outcome(fn () => $call->reply()), "\n";
    $call = $client->bidiStream('/test.Peer/Chat');
    echo json_encode($call->metadata()), "\n";
    foreach (['one', 'two', 'three'] as $word) {
        $call->write($word);
        echo outcome(fn () => $call->read()), "\n";
    }
    $call->writesDone();
    echo outcome(fn () => $call->read()), ' ', Status::nameOf($call->status()->code), "\n";

    echo "-- one writes while another reads\n";
    $call = $client->bidiStream('/test.Peer/Chat');
    Co::create(function () use ($call) {
        for ($i = 0; $i < 300; $i++) {
            $call->write(str_repeat("$i ", 2000));
        }
        $call->writesDone();
    });
    for ($n = $length = 0; ($message = $call->read()) !== null; $n++) {
        $length += strlen($message);
    }
    echo "$n $length\n";

    echo "-- the server ends first\n";
    $call = $client->clientStream('/test.Peer/Early');
    try {
        for (;;) {
            $call->write(str_repeat('x', 100000));
        }
    } catch (Exception $e) {
        echo outcome(fn () => $call->reply()), "\n";
    }

    echo "-- deadlines and cancellation\n";
    $start = microtime(true);
    echo outcome(fn () => $client->unary('/test.Peer/Slow', 'x', timeout: 0.1)), "\n";
    $left = (float) $client->unary('/test.Peer/Remaining', '', timeout: 15);
    var_dump($left > 5 && $left <= 15.1, $client->unary('/test.Peer/Remaining', '', timeout: 0));
    $call = $client->bidiStream('/test.Peer/Chat', timeout: 0.1);
    echo outcome(fn () => $call->read()), ' ', outcome(fn () => $call->write('x')), "\n";
    $call = $client->bidiStream('/test.Peer/Chat');
    $reader = Co::create(function () use ($call) { $r = outcome(fn () => $call->read()); echo "reader: $r\n"; });
    $call->cancel();
    Co::join([$reader]);
    echo outcome(fn () => $call->write('x')), ' ', Status::nameOf($call->status()->code), "\n";

    echo "-- compression\n";
    echo outcome(fn () => $client->unary('/test.Peer/Compressed', str_repeat('c', 100))), "\n";
    echo outcome(fn () => (new Client('127.0.0.1', $port, ['max_message_length' => 50000]))->unary('/test.Peer/Compressed', str_repeat('c', 100))), "\n";
    foreach (['gzip', 'deflate'] as $compression) {
        $packing = new Client('127.0.0.1', $port, ['compression' => $compression, 'timeout' => 20, 'metadata' => ['x-all' => 'v'], 'max_send_message_length' => 200000]);
        echo outcome(fn () => $packing->unary('/test.Peer/Unary', str_repeat('z', 100000))), ' ', outcome(fn () => $packing->unary('/test.Peer/Unary', str_repeat('z', 200001))), ' ';
        echo $packing->serverStream('/test.Peer/Count', '0')->metadata()['x-all'][0], "\n";
    }

    echo "-- many at once\n";
    $group = new Co\WaitGroup();
    $wrong = 0;
    for ($i = 0; $i < 300; $i++) {
        $group->add();
        Co::create(function () use ($client, $i, $group, &$wrong) {
            $wrong += $client->unary('/test.Peer/Unary', "message $i") !== "message $i";
            $group->done();
        });
    }
    $group->wait();
    echo "wrong $wrong\n";

    echo "-- no server\n";
    $listener = stream_socket_server('tcp://127.0.0.1:0');
    $free = (int) substr(strrchr(stream_socket_get_name($listener, false), ':'), 1);
    fclose($listener);
    echo outcome(fn () => (new Client('127.0.0.1', $free))->unary('/test.Peer/Unary', 'x')), "\n";
    $client->close();
    echo outcome(fn () => $client->unary('/test.Peer/Unary', 'after close')), "\n";
});
--EXPECT--
-- unary
"hello"
""
bool(true)
NOT_FOUND: gibt es nicht: ü % 100
UNKNOWN: Exception calling application: a fault of the server
UNIMPLEMENTED: Method not found!
4194304 bytes RESOURCE_EXHAUSTED: a message has 4194305 bytes, more than 4194304
{"x-why":["test"]}
-- metadata
[["plain"],["a,b"],"00ff0a"]
["message 0","message 1"] 0 yes 00ff2c
"'grpc-own' is not a key of metadata"
"'te' is not a key of metadata"
"'a b' is not a key of metadata"
"the value of 'x' has bytes that only a key with -bin may have"
"'x\n' is not a key of metadata"
-- streams
5000 message 4999
"one" then DATA_LOSS: after one again DATA_LOSS: after one after one
"a|b||c"
{"x-begun":["yes"]}
"you said one"
"you said two"
"you said three"
null OK
-- one writes while another reads
300 2182700
-- the server ends first
RESOURCE_EXHAUSTED: not today
-- deadlines and cancellation
DEADLINE_EXCEEDED: the deadline has passed
bool(true)
string(4) "none"
DEADLINE_EXCEEDED: the deadline has passed DEADLINE_EXCEEDED: the deadline has passed
reader: CANCELLED: the call was cancelled
CANCELLED: the call was cancelled CANCELLED
-- compression
100000 bytes
RESOURCE_EXHAUSTED: a message has more than 50000 bytes without its compression
100000 bytes RESOURCE_EXHAUSTED: a message has 200001 bytes, more than 200000 v
100000 bytes RESOURCE_EXHAUSTED: a message has 200001 bytes, more than 200000 v
-- many at once
wrong 0
-- no server
UNAVAILABLE: connect 127.0.0.1
"after close"
