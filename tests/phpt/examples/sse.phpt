--TEST--
Example sse.php sends events over HTTP/1.1 and HTTP/2, again from the last one that a client has received, and notices clients that leave
--EXTENSIONS--
swoole
posix
--FILE--
<?php
require __DIR__ . '/../inc/example.inc';
$server = Example::start('sse', '0.05');
$port = $server->ports[0];
$page = file_get_contents("http://127.0.0.1:$port/");
echo 'page ', json_encode(str_contains($page, "new EventSource('/events')")), "\n";

/** The ids of the next events, and the heartbeats between them. */
function read(Lines $client, int $count): array
{
    for ($ids = [], $heartbeats = 0; count($ids) < $count;) {
        $line = $client->next();
        $heartbeats += (int) ($line === ':');
        if (preg_match('/^id: (\d+)$/', $line, $found)) {
            $ids[] = (int) $found[1];
        }
    }
    return [$ids, $heartbeats];
}
$client = $server->connect();
fwrite($client->stream, "GET /events HTTP/1.1\r\nHost: x\r\n\r\n");
[$ids, $heartbeats] = read($client, 3);
echo 'in order ', json_encode([$ids[1] - $ids[0], $ids[2] - $ids[1], $heartbeats > 1]), "\n";
$client->close();
$server->waitFor('/a client has left, 0 are there/');

// It reconnects, and gets what it has missed first.
$client = $server->connect();
fwrite($client->stream, "GET /events HTTP/1.1\r\nHost: x\r\nLast-Event-ID: {$ids[0]}\r\n\r\n");
echo 'again ', json_encode(read($client, 2)[0] === [$ids[1], $ids[2]]), "\n";

Swoole\Coroutine\run(function () use ($port, $server) {
    $http2 = new Swoosh\Http2\Client('127.0.0.1', $port);
    $http2->set(['timeout' => 20]);
    $http2->connect();
    $request = new Swoole\Http2\Request();
    $request->path = '/events';
    $request->usePipelineRead = true;
    $id = $http2->send($request);
    $head = $http2->recvStream($id);
    echo 'HTTP/2 ', $head->headers['content-type'], "\n";
    for ($text = (string) $head->data; substr_count($text, "\nid: ") < 2;) {
        $text .= $http2->recvStream($id)->data;
    }
    echo 'events ', preg_match_all('/^event: tick\nid: (\d+)\ndata: tick \1$/m', $text), "\n";
    $http2->reset($id);
    $server->waitFor('/a client has left, 1 are there/');
    // The connection is open for other requests.
    $request = new Swoole\Http2\Request();
    echo 'page ', $http2->send($request) > $id ? $http2->recv()->statusCode : 'none', "\n";
    $http2->close();
});
$client->close();
$server->waitFor('/a client has left, 0 are there/');
echo 'status ', $server->stop(), "\n";
?>
--EXPECT--
page true
in order [1,1,true]
again true
HTTP/2 text/event-stream
events 2
page 200
status 0
