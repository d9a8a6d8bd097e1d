--TEST--
The HTTP client speaks HTTP/2 where open_http2_protocol is set and the server selects it in the TLS handshake, and HTTP/1.1 elsewhere
--SKIPIF--
<?php if (!is_executable('/usr/sbin/nghttpd')) die('skip needs nghttpd');
--EXTENSIONS--
swoole
pcntl
openssl
--FILE--
<?php
require __DIR__ . '/../inc/tls.inc';
require __DIR__ . '/../inc/nghttpd.inc';
use Swoole\Coroutine as Co;
use Swoole\Coroutine\Http\Client;
$authority = new Authority();
$server = new Nghttpd(['large' => str_repeat('l', 3000000), 'small' => 'small'], $authority);
file_put_contents($authority->file('upload'), $upload = random_bytes(700000));
$trust = ['timeout' => 20, 'ssl_verify_peer' => true, 'ssl_cafile' => $authority->file('ca.pem'), 'ssl_host_name' => 'localhost'];
Co\run(function () use ($server, $authority, $trust, $upload) {
    $make = function (int $port, array $settings) use ($trust) {
        $client = new Client('127.0.0.1', $port, true);
        $client->set($settings + $trust);
        return $client;
    };
    $client = $make($server->port, ['open_http2_protocol' => true]);
    $client->setHeaders(['X-Own' => 'v', 'Connection' => 'keep-alive']);
    $show = fn (bool $r) => json_encode([$r, $client->statusCode, $client->errCode, strlen($client->body), $client->headers['server'] ?? null, $client->headers['x-trailer'] ?? null, $client->connected]);
    echo 'get ', $show($client->get('/small')), " $client->body\n";
    $socket = $client->socket;
    echo 'query ', $show($client->get('/small?a=b c')), "\n";
    echo 'missing ', json_encode($client->get('/none')), " $client->statusCode\n";
    echo 'large ', $show($client->get('/large')), "\n";
    $body = random_bytes(1000000);
    echo 'post ', $show($client->post('/', $body)), ' ', json_encode($client->body === $body), "\n";
    echo 'form ', $show($client->post('/', ['a' => 'b c', 'd' => ['e']])), ' ', $client->body, "\n";
    $client->addFile($authority->file('upload'), 'file', 'x/y', 'name');
    $client->addData('data', 'part');
    echo 'upload ', json_encode($client->post('/', ['k' => 'v'])), ' ', json_encode([substr_count($client->body, $upload), substr_count($client->body, ' name="part"'), substr_count($client->body, "\r\n\r\nv\r\n")]), "\n";
    echo 'download ', json_encode($client->download('/large', $authority->file('download'))), ' ', filesize($authority->file('download')), "\n";
    $client->setMethod('HEAD');
    $client->setData(null);
    echo 'head ', $show($client->execute('/large')), ' ', $client->headers['content-length'], "\n";
    $client->setMethod('GET');
    $pieces = 0;
    $client->set(['write_func' => function ($client, $piece) use (&$pieces) { $pieces += strlen($piece); }]);
    $client->get('/large');
    echo "write_func $pieces\n";
    $client->set(['write_func' => null]);
    $client->setDefer();
    var_dump($client->get('/small'), $client->get('/none'), $client->recv(), $client->statusCode, $client->recv(), $client->statusCode);
    $client->setDefer(false);
    var_dump($client->socket === $socket, strtok($client->getHeaderOut(), "\r"));
    $client->set(['keep_alive' => false]);
    echo 'again ', $show($client->get('/small')), "\n";

    // A server of HTTP/1.1 only.
    $other = new Co\Http\Server('127.0.0.1', 0, true);
    $other->set($authority->pair());
    $other->handle('/', fn ($request, $response) => $response->end($request->server['server_protocol']));
    go(fn () => $other->start());
    foreach ([true, false] as $on) {
        $client = $make($other->port, ['open_http2_protocol' => $on]);
        var_dump($client->get('/'), $client->body);
        $client->close();
    }
    $other->shutdown();
    // Without the setting, nghttpd is asked for no HTTP/2, which it requires.
    $client = $make($server->port, []);
    var_dump($client->get('/small'));
});
--EXPECT--
get [true,200,0,5,"nghttpd nghttp2\/1.52.0","yes",true] small
query [true,200,0,5,"nghttpd nghttp2\/1.52.0","yes",true]
missing true 404
large [true,200,0,3000000,"nghttpd nghttp2\/1.52.0","yes",true]
post [true,200,0,1000000,"nghttpd nghttp2\/1.52.0","yes",true] true
form [true,200,0,16,"nghttpd nghttp2\/1.52.0","yes",true] a=b+c&d%5B0%5D=e
upload true [1,1,1]
download true 3000000
head [true,200,0,0,"nghttpd nghttp2\/1.52.0",null,true] 3000000
write_func 3000000
bool(true)
bool(true)
bool(true)
int(200)
bool(true)
int(404)
bool(true)
string(18) "GET /none HTTP/1.1"
again [true,200,0,5,"nghttpd nghttp2\/1.52.0","yes",false]
bool(true)
string(8) "HTTP/1.1"
bool(true)
string(8) "HTTP/1.1"
bool(false)
