--TEST--
Many coroutines share one HTTP/2 connection that is made on demand, made again when the server has closed it, and closed when it is idle
--SKIPIF--
<?php if (!is_executable('/usr/sbin/nghttpd')) die('skip needs nghttpd');
--EXTENSIONS--
swoole
pcntl
--FILE--
<?php
require __DIR__ . '/../inc/http2_peer.inc';
require __DIR__ . '/../inc/nghttpd.inc';
use Swoole\Coroutine as Co;
use Swoole\Coroutine\Http2\MultiplexClient;
use Swoole\Http2\Request;
$server = new Nghttpd(['large' => str_repeat('l', 3000000)]);
function request(string $path, string $data = ''): Request
{
    $r = new Request();
    [$r->path, $r->method, $r->data] = [$path, $data === '' ? 'GET' : 'POST', $data];
    return $r;
}
final class Counting extends MultiplexClient
{
    public int $connections = 0;

    protected function reconnect(): bool
    {
        $this->connections++;
        return parent::reconnect();
    }
}
/** Bytes of a server that answers the first request in time for the second, which it does not see any more. */
$answer = http2_frame(1, 4, 1, "\x88") . http2_frame(0, 1, 1, 'first');
$leaving = http2_peer([
    [http2_frame(7, 0, 0, pack('NN', 1, 0)) . $answer, false],
    [$answer, true],
    [http2_frame(7, 0, 0, pack('NN', 0, 0)), false],
    [$answer, true],
    [http2_frame(1, 4, 1, "\x88"), true],
    [http2_frame(7, 0, 0, pack('NN', 0, 11)), true],
    ['', false],
]);
Co\run(function () use ($server, $leaving) {
    $client = new Counting('127.0.0.1', $server->port);
    $client->set(['timeout' => 20]);
    $group = new Co\WaitGroup();
    $wrong = 0;
    for ($i = 0; $i < 200; $i++) {
        $group->add();
        Co::create(function () use ($client, $i, $group, &$wrong) {
            $body = str_repeat("body $i ", 1 + $i * 20);
            $r = $client->request(request("/$i", $body));
            $wrong += !$r || $r->statusCode !== 200 || $r->data !== $body;
            $group->done();
        });
    }
    $group->wait();
    echo "wrong $wrong, connections $client->connections, streams ", $client->stats('active_stream_num'), "\n";
    echo 'large ', strlen($client->request(request('/large'))->data), ' missing ', $client->request(request('/none'))->statusCode, "\n";

    // A request that is cancelled leaves the others alone.
    $id = Co::create(function () use ($client) { var_dump($client->request(request('/', 'x')), $client->errCode === SOCKET_ECANCELED); });
    Co::cancel($id);
    echo $client->request(request('/', 'after'))->data, " connections $client->connections\n";

    foreach (['recv' => [], 'read' => [], 'write' => [1, 'x']] as $method => $arguments) {
        echo $method, ' ', json_encode($client->$method(...$arguments)), ' ', $client->errCode === SWOOLE_ERROR_OPERATION_NOT_SUPPORT ? 'not supported' : $client->errCode, "\n";
    }
    $open = request('/', 'x');
    $open->pipeline = true;
    echo 'open request ', json_encode($client->request($open)), ' ', $client->errCode, "\n";

    // close() ends what waits; the next request connects again.
    Co::create(function () use ($client) { var_dump($client->request(request('/large')), $client->errCode === SOCKET_ECANCELED); });
    var_dump($client->close(), $client->connected, $client->close());
    echo $client->request(request('/', 'again'))->data, " connections $client->connections\n";
    var_dump($client->goaway(), $client->connected);

    // Idle connections are closed.
    $client->set(['heartbeat_idle_time' => 0.05, 'heartbeat_check_interval' => 0.02]);
    echo $client->request(request('/', 'idle'))->data, "\n";
    for ($i = 0; $i < 1000 && $client->connected; $i++) Co::sleep(0.01);
    var_dump($client->connected);

    $client = new Counting('127.0.0.1', $leaving);
    $client->set(['timeout' => 20]);
    echo 'goaway after the request: ', $client->request(request('/'))->data, "\n";
    echo 'goaway before the next: ', $client->request(request('/'))->data, " connections $client->connections\n";
    for ($i = 0; $i < 1000 && $client->connected; $i++) Co::sleep(0.01);
    echo 'goaway without looking at it: ', $client->request(request('/'))->data, " connections $client->connections\n";
    for ($i = 0; $i < 1000 && $client->connected; $i++) Co::sleep(0.01);
    echo 'closed in the response: ', json_encode($client->request(request('/'))), " $client->errCode\n";
    echo 'goaway with an error: ', json_encode($client->request(request('/'))), " $client->errCode connections $client->connections\n";
    // A request that is given up does not end the connection.
    var_dump($client->request(request('/'), 0.02), $client->errCode === SOCKET_ETIMEDOUT, $client->connected);
    $client->close();

    $listener = stream_socket_server('tcp://127.0.0.1:0');
    $port = (int) substr(strrchr(stream_socket_get_name($listener, false), ':'), 1);
    fclose($listener);
    $client = new Counting('127.0.0.1', $port);
    for ($i = 0; $i < 3; $i++) {
        Co::create(function () use ($client) { $r = $client->request(request('/')); echo 'nobody listens: ', json_encode($r), ' ', $client->errCode === SOCKET_ECONNREFUSED ? 'refused' : $client->errCode, "\n"; });
    }
});
--EXPECT--
wrong 0, connections 1, streams 0
large 3000000 missing 404
bool(false)
bool(true)
after connections 1
recv false not supported
read false not supported
write false not supported
open request false 507
bool(false)
bool(true)
bool(true)
bool(false)
bool(false)
again connections 2
bool(true)
bool(false)
idle
bool(false)
goaway after the request: first
goaway before the next: first connections 2
goaway without looking at it: first connections 4
closed in the response: false 104
goaway with an error: false 11 connections 6
bool(false)
bool(true)
bool(true)
nobody listens: false refused
nobody listens: false refused
nobody listens: false refused
