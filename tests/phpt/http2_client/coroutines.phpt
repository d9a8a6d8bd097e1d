--TEST--
Several coroutines send and wait on one HTTP/2 connection, a wait can be cancelled, and the end of the connection ends them all
--SKIPIF--
<?php if (!is_executable('/usr/sbin/nghttpd')) die('skip needs nghttpd');
--EXTENSIONS--
swoole
pcntl
--FILE--
<?php
use Swoole\Coroutine as Co;
use Swoole\Coroutine\Http2\Client;
use Swoole\Http2\Request;
require __DIR__ . '/../inc/nghttpd.inc';
$server = new Nghttpd(['large' => str_repeat('l', 3000000)]);
$port = $server->port;
function request(string $path, string $data = '', bool $open = false, bool $parts = false): Request
{
    $r = new Request();
    [$r->path, $r->method, $r->data, $r->pipeline, $r->usePipelineRead] = [$path, $data === '' && !$open ? 'GET' : 'POST', $data, $open, $parts];
    return $r;
}
Co\run(function () use ($port) {
    $client = new Client('127.0.0.1', $port);
    $client->set(['timeout' => 20]);
    var_dump($client->connect(), $client->connect(), $client->errCode === SOCKET_EISCONN);
    $group = new Co\WaitGroup();
    $sent = $got = [];
    for ($i = 0; $i < 200; $i++) {
        $group->add(2);
        Co::create(function () use ($client, $i, &$sent, $group) { $sent[$client->send(request("/$i", "body $i"))] = "body $i"; $group->done(); });
        Co::create(function () use ($client, &$got, $group) { $r = $client->recv(); $got[$r->streamId] = $r->data; $group->done(); });
    }
    $group->wait();
    ksort($sent);
    ksort($got);
    echo '200 senders and readers ', json_encode($sent === $got && count($got) === 200), ' left ', $client->stats('active_stream_num'), "\n";

    $body = random_bytes(2000000);
    $client->send(request('/', $body));
    echo 'a large body both ways ', json_encode($client->recv()->data === $body), "\n";

    $client->send(request('/large', '', false, true));
    [$length, $parts, $most] = [0, 0, 0];
    do {
        $r = $client->read();
        $length += strlen($r->data ?? '');
        $most = max($most, strlen($r->data ?? ''));
        $parts++;
    } while ($r->pipeline);
    echo "in parts $length ", json_encode($parts > 10 && $most < 1000000), "\n";

    $id = $client->send(request('/', 'start ', true));
    echo 'open ', json_encode([$client->isStreamExist($id), $client->write($id, 'middle '), $client->write($id, ['a' => 'b']), $client->write($id, ' end', true), $client->recv()->data, $client->isStreamExist($id), $client->write($id, 'x'), $client->errCode]), "\n";

    $waiting = Co::create(function () use ($client) { var_dump($client->recv(), $client->errCode === SOCKET_ECANCELED); });
    Co::cancel($waiting);
    var_dump($client->recv(0.01), $client->errCode === SOCKET_ETIMEDOUT, $client->connected);
    var_dump($client->ping(), $client->send(request('/x', 'after')) > 0, $client->recv()->data);

    $waiting = Co::create(function () use ($client) { var_dump($client->recv(), $client->errCode === SOCKET_ECANCELED, $client->connected); });
    $client->close();
    var_dump(Co::exists($waiting), $client->send(request('/')), $client->errCode);
});
--EXPECT--
bool(true)
bool(false)
bool(true)
200 senders and readers true left 0
a large body both ways true
in parts 3000000 true
open [true,true,true,true,"start middle a=b end",false,false,22]
bool(false)
bool(true)
bool(false)
bool(true)
bool(true)
bool(true)
bool(true)
string(5) "after"
bool(false)
bool(true)
bool(false)
bool(false)
bool(false)
int(5001)
