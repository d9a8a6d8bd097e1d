--TEST--
HTTP: a second port speaks HTTP, also after set(), unless a protocol of its own is set
--EXTENSIONS--
swoole
pcntl
posix
--FILE--
<?php
require __DIR__ . '/../inc/http.inc';
require __DIR__ . '/../inc/server.inc';
foreach (MODES as $name => $mode) {
    $ports = [];
    http_serve(['http_compression' => false], fn ($request, $response) => $response->end("port {$request->server['server_port']}"), function () use (&$ports, $name) {
        foreach ($ports as $what => $port) {
            $GLOBALS['port'] = $port;
            if ($what === 'raw') {
                fwrite($s = http_dial(), "hello\n");
                echo "$name, raw: ", fgets($s);
                continue;
            }
            $answer = http_ask('GET / HTTP/1.1');
            echo "$name, $what: ", $answer[0], ' ', $answer[2] === "port $port" ? 'own port' : $answer[2], "\n";
        }
    }, $mode, function ($server) use (&$ports) {
        $plain = $server->listen('127.0.0.1', 0, SWOOLE_SOCK_TCP);
        $set = $server->listen('127.0.0.1', 0, SWOOLE_SOCK_TCP);
        $set->set(['backlog' => 64, 'package_max_length' => 1 << 20]);
        $raw = $server->listen('127.0.0.1', 0, SWOOLE_SOCK_TCP);
        $raw->set(['open_http_protocol' => false, 'open_eof_split' => true, 'package_eof' => "\n"]);
        $raw->on('receive', fn ($server, $fd, $reactor, $data) => $server->send($fd, "raw $data"));
        $ports = ['first' => $server->port, 'plain' => $plain->port, 'after set()' => $set->port, 'raw' => $raw->port];
    });
}
?>
--EXPECT--
process, first: HTTP/1.1 200 OK own port
process, plain: HTTP/1.1 200 OK own port
process, after set(): HTTP/1.1 200 OK own port
process, raw: raw hello
base, first: HTTP/1.1 200 OK own port
base, plain: HTTP/1.1 200 OK own port
base, after set(): HTTP/1.1 200 OK own port
base, raw: raw hello
