--TEST--
An HTTP/2 client negotiates its protocol in the TLS handshake, checks the certificate, and reports a server without HTTP/2
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
use Swoole\Coroutine\Http2\Client;
use Swoole\Http2\Request;
$authority = new Authority();
$authority->selfSign('alone', 'localhost');
$server = new Nghttpd(['large' => str_repeat('l', 3000000)], $authority);

// A server without HTTP/2, which ends the connection after the handshake.
$tls = ['local_cert' => $authority->file('server.pem'), 'local_pk' => $authority->file('server.key'), 'alpn_protocols' => 'http/1.1'];
$listener = stream_socket_server('tls://127.0.0.1:0', $e, $w, STREAM_SERVER_BIND | STREAM_SERVER_LISTEN, stream_context_create(['ssl' => $tls]));
$other = (int) substr(strrchr(stream_socket_get_name($listener, false), ':'), 1);
if (!$pid = pcntl_fork()) {
    @stream_socket_accept($listener, 30);
    posix_kill(getmypid(), SIGKILL);
}
$trust = ['timeout' => 20, 'ssl_verify_peer' => true, 'ssl_cafile' => $authority->file('ca.pem'), 'ssl_host_name' => 'localhost'];
Swoole\Coroutine\run(function () use ($server, $authority, $trust, $other) {
    $make = function (int $port, array $settings) {
        $client = new Client('127.0.0.1', $port, true);
        $client->set($settings);
        return [$client, $client->connect()];
    };
    [$client, $connected] = $make($server->port, $trust);
    var_dump($connected, $client->ssl);
    $body = random_bytes(2000000);
    $r = new Request();
    [$r->method, $r->data, $r->path] = ['POST', $body, '/'];
    $ids = [$client->send($r)];
    $r = new Request();
    $r->path = '/large';
    $ids[] = $client->send($r);
    foreach ([1, 2] as $_) {
        $response = $client->recv();
        $bodies[$response->streamId] = $response->data;
        $trailers[$response->streamId] = $response->headers['x-trailer'] ?? null;
    }
    var_dump($bodies[$ids[0]] === $body, $bodies[$ids[1]] === str_repeat('l', 3000000), $trailers[$ids[1]]);
    $client->close();

    [$client, $connected] = $make($server->port, ['ssl_cafile' => $authority->file('alone.pem')] + $trust);
    var_dump($connected, $client->errMsg !== '', $client->connected);
    [$client, $connected] = $make($server->port, ['ssl_host_name' => 'other.example'] + $trust);
    var_dump($connected, $client->errMsg !== '', $client->connected);

    [$client, $connected] = $make($other, $trust);
    var_dump($connected, $client->send(new Request()) !== 0, $client->recv(), $client->errMsg !== '', $client->connected);
});
pcntl_waitpid($pid, $status);
--EXPECT--
bool(true)
bool(true)
bool(true)
bool(true)
string(3) "yes"
bool(false)
bool(true)
bool(false)
bool(false)
bool(true)
bool(false)
bool(true)
bool(true)
bool(false)
bool(true)
bool(false)
