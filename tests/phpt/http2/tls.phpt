--TEST--
HTTP/2 over TLS is chosen by ALPN, and HTTP/1.1 is spoken to clients that do not offer it
--SKIPIF--
<?php if (!str_contains((string) shell_exec('curl --version'), 'HTTP2')) die('skip needs a curl with HTTP/2'); ?>
--EXTENSIONS--
swoole
openssl
pcntl
posix
--FILE--
<?php
require __DIR__ . '/../inc/http.inc';
require __DIR__ . '/../inc/tls.inc';
$authority = new Authority();
$serve = function (int $mode, bool $on) use ($authority) {
    $server = new Swoole\Http\Server('127.0.0.1', 0, $mode, SWOOLE_SOCK_TCP | SWOOLE_SSL);
    $server->set(['worker_num' => 1, 'log_level' => SWOOLE_LOG_NONE, 'open_http2_protocol' => $on] + $authority->pair());
    $server->on('request', fn ($request, $response) => $response->end($request->server['server_protocol'] . ' ' . strlen($request->rawContent())));
    $parent = getmypid();
    if (!$pid = pcntl_fork()) {
        $GLOBALS['port'] = $server->port;
        fclose(http_dial());
        foreach (['--http2', '--http1.1', '--no-alpn', '--http2 -d ' . str_repeat('x', 100000)] as $how) {
            $url = "https://localhost:$server->port/";
            echo shell_exec("curl -s --max-time 20 --cacert {$authority->file('ca.pem')} --resolve localhost:$server->port:127.0.0.1 $how -w ' by %{http_version}' $url"), "\n";
        }
        posix_kill($parent, SIGTERM);
        posix_kill(getmypid(), SIGKILL);
    }
    $server->start();
    pcntl_waitpid($pid, $status);
};
$serve(SWOOLE_BASE, true);
$serve(SWOOLE_PROCESS, true);
echo "off\n";
$serve(SWOOLE_BASE, false);
?>
--EXPECT--
HTTP/2 0 by 2
HTTP/1.1 0 by 1.1
HTTP/1.1 0 by 1.1
HTTP/2 100000 by 2
HTTP/2 0 by 2
HTTP/1.1 0 by 1.1
HTTP/1.1 0 by 1.1
HTTP/2 100000 by 2
off
HTTP/1.1 0 by 1.1
HTTP/1.1 0 by 1.1
HTTP/1.1 0 by 1.1
HTTP/1.1 100000 by 1.1
