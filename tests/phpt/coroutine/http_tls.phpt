--TEST--
Coroutine\Http works over TLS: client, server, WebSocket, curl, and rejected certificates
--EXTENSIONS--
swoole
pcntl
posix
openssl
--FILE--
<?php
require __DIR__ . '/../inc/tls.inc';
use Swoole\Coroutine as Co;
use Swoole\Coroutine\Http\{Client, Server};
use function Swoole\Coroutine\Http\get;

Co::set(['log_level' => SWOOLE_LOG_NONE]);
$authority = new Authority();
file_put_contents($authority->file('text'), str_repeat('0123456789', 50000));
Co\run(function () use ($authority) {
    $server = new Server('127.0.0.1', 0, true);
    var_dump($server->ssl, @$server->start(), $server->errCode === SWOOLE_ERROR_SSL_CREATE_CONTEXT_FAILED);
    $server->set($authority->pair());
    $server->handle('/', fn ($request, $response) => $response->end($request->server['request_method'] . ' ' . strlen($request->rawContent())));
    $server->handle('/file', fn ($request, $response) => $response->sendfile($authority->file('text'), 5, 300000));
    $server->handle('/echo', function ($request, $response) {
        $response->upgrade();
        while (is_object($frame = $response->recv())) $response->push($frame->data);
    });
    go(fn () => $server->start());
    $client = new Client('127.0.0.1', $server->port, true);
    $client->set(['ssl_verify_peer' => true, 'ssl_cafile' => $authority->file('ca.pem'), 'ssl_host_name' => 'localhost', 'timeout' => 10]);
    var_dump($client->get('/'), $client->body, $client->post('/', str_repeat('x', 1_000_000)), $client->body);
    var_dump($client->get('/file'), md5($client->body) === md5(substr(file_get_contents($authority->file('text')), 5, 300000)));
    var_dump(str_starts_with($client->getPeerCert(), '-----BEGIN CERTIFICATE-----'), openssl_x509_parse($client->getPeerCert())['subject']['CN']);
    var_dump($client->upgrade('/echo'), $client->push('sealed'), $client->recv()->data, $client->close());
    // A wrong name, an untrusted issuer, no TLS at all.
    foreach ([['ssl_host_name' => 'other.test', 'ssl_cafile' => $authority->file('ca.pem')], []] as $settings) {
        $bad = new Client('127.0.0.1', $server->port, true);
        $bad->set($settings + ['ssl_verify_peer' => true]);
        var_dump($bad->get('/'), $bad->statusCode, $bad->errMsg !== '');
    }
    $plain = new Client('127.0.0.1', $server->port);
    $plain->set(['timeout' => 5]);
    var_dump($plain->get('/'), $plain->statusCode);
    var_dump(get("https://127.0.0.1:$server->port/", ['ssl_verify_peer' => false])->getBody());
    // curl as the client.
    $out = Co\System::exec("curl -s --cacert {$authority->file('ca.pem')} --resolve localhost:$server->port:127.0.0.1 https://localhost:$server->port/ -d abc");
    var_dump($out['output']);
    $server->shutdown();
});
?>
--EXPECT--
bool(true)
bool(false)
bool(true)
bool(true)
string(5) "GET 0"
bool(true)
string(12) "POST 1000000"
bool(true)
bool(true)
bool(true)
string(9) "localhost"
bool(true)
bool(true)
string(6) "sealed"
bool(true)
bool(false)
int(-1)
bool(true)
bool(false)
int(-1)
bool(true)
bool(false)
int(-3)
string(5) "GET 0"
string(6) "POST 3"
