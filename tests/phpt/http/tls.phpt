--TEST--
HTTP and WebSocket work over TLS: curl, https streams, static files, a plain request to the port, new certificates
--EXTENSIONS--
swoole
pcntl
posix
openssl
--FILE--
<?php
require __DIR__ . '/../inc/server.inc';
require __DIR__ . '/../inc/http.inc';
require __DIR__ . '/../inc/tls.inc';
$authority = new Authority();
$authority->certify('next', 'next.example');
file_put_contents($authority->file('page.txt'), str_repeat('static ', 30000));

function https(string $path, Authority $authority, string $name = 'localhost')
{
    for ($try = 0; $try < 1000; $try++) {
        $context = stream_context_create(['ssl' => ['cafile' => $authority->file('ca.pem'), 'peer_name' => $name], 'http' => ['ignore_errors' => true, 'timeout' => 10]]);
        if (($page = @file_get_contents("https://127.0.0.1:{$GLOBALS['port']}$path", false, $context)) !== false) {
            return $page;
        }
        usleep(5000);
    }
}

foreach (array_reverse(MODES) as $mode => $number) {
    echo "-- $mode\n";
    $authority->certify('server', 'localhost');
    $server = new Swoole\WebSocket\Server('127.0.0.1', 0, $number, SWOOLE_SOCK_TCP | SWOOLE_SSL);
    $server->set($authority->pair() + ['worker_num' => 2, 'log_level' => SWOOLE_LOG_NONE, 'enable_static_handler' => true, 'document_root' => $authority->folder]);
    $server->on('request', fn ($request, $response) => $response->end("{$request->server['request_method']} {$request->server['request_uri']} {$request->server['server_protocol']} port " . ($request->server['server_port'] === $GLOBALS['port'] ? 'right' : 'wrong') . ' ' . strlen($request->getContent())));
    $server->on('message', fn ($server, $frame) => $server->push($frame->fd, "you said $frame->data"));
    $GLOBALS['port'] = $server->port;
    $parent = getmypid();
    if (!$pid = pcntl_fork()) {
        try {
            echo https('/hello', $authority), "\n";
            $url = "https://localhost:$port";
            $curl = fn ($more) => shell_exec("curl -sS --noproxy '*' -m 10 --cacert {$authority->file('ca.pem')} --resolve localhost:$port:127.0.0.1 $more 2>&1");
            echo $curl("$url/curl -w ' %{http_code} %{http_version} %{ssl_verify_result}'"), "\n";
            echo $curl("--tlsv1.2 --tls-max 1.2 $url/old"), "\n";
            echo $curl("$url/upload -H Expect: --data-binary @{$authority->file('page.txt')}"), "\n";
            echo md5($curl("$url/page.txt")) === md5_file($authority->file('page.txt')) ? 'static' : 'not static', "\n";
            echo $curl("http://localhost:$port/ -w ' %{http_code}'"), "\n";
            $ws = connect_tls($port, trusting($authority));
            fwrite($ws, "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n");
            echo http_answer($ws)[0], "\n";
            foreach (['hello', str_repeat('x', 100000)] as $message) {
                fwrite($ws, ws_frame($message));
                [$type, $data] = ws_read($ws);
                echo "$type ", strlen($data), ' ', substr($data, 0, 14), "\n";
            }
            foreach (['key', 'pem'] as $end) {
                copy($authority->file("next.$end"), $authority->file("server.$end"));
            }
            echo https('/next', $authority, 'next.example'), "\n";
            fwrite($ws, ws_frame('still here'));
            echo ws_read($ws)[1], "\n";
        } catch (Throwable $e) {
            echo "$e\n";
        }
        posix_kill($parent, SIGTERM);
        posix_kill(getmypid(), SIGKILL);
    }
    $server->start();
    pcntl_waitpid($pid, $status);
}
?>
--EXPECT--
-- base
GET /hello HTTP/1.1 port right 0
GET /curl HTTP/1.1 port right 0 200 1.1 0
GET /old HTTP/1.1 port right 0
POST /upload HTTP/1.1 port right 210000
static
This port speaks HTTPS: HTTP over TLS 400
HTTP/1.1 101 Switching Protocols
81 14 you said hello
81 100009 you said xxxxx
GET /next HTTP/1.1 port right 0
you said still here
-- process
GET /hello HTTP/1.1 port right 0
GET /curl HTTP/1.1 port right 0 200 1.1 0
GET /old HTTP/1.1 port right 0
POST /upload HTTP/1.1 port right 210000
static
This port speaks HTTPS: HTTP over TLS 400
HTTP/1.1 101 Switching Protocols
81 14 you said hello
81 100009 you said xxxxx
GET /next HTTP/1.1 port right 0
you said still here
