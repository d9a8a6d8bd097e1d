--TEST--
nginx and Caddy, configured as the kit does, pass requests, WebSocket and the client's address on, and serve static files
--EXTENSIONS--
swoole
posix
--SKIPIF--
<?php
require __DIR__ . '/../inc/components.inc';
need_components('nginx', 'caddy');
?>
--FILE--
<?php
require __DIR__ . '/../inc/kit.inc';
require __DIR__ . '/../inc/components.inc';
require __DIR__ . '/../inc/http.inc';

// One worker counts connections, so that it shows whether the proxy keeps them.
$program = kit_folder() . '/server.php';
file_put_contents($program, <<<'PHP'
    <?php
    $server = new Swoole\WebSocket\Server('127.0.0.1', 0);
    $server->set(['worker_num' => 1]);
    $server->on('start', fn ($server) => print "on 127.0.0.1:$server->port\n");
    $server->on('request', function ($request, $response) {
        static $connections = [];
        $connections[$request->fd] = true;
        $h = $request->header;
        $response->end(json_encode([
            $request->server['request_method'], $request->server['request_uri'], $request->rawContent(), $h['host'], $h['x-forwarded-for'], $h['x-forwarded-proto'],
            count($connections) . ' connection',
        ], JSON_UNESCAPED_SLASHES));
    });
    $server->on('message', fn ($server, $frame) => $server->push($frame->fd, "you said $frame->data"));
    $server->start();
    PHP);
$start = function () use ($program) {
    $server = Example::command([...php_with_module(), $program]);
    return [$server, substr(strrchr($server->waitFor('~^on .*$~m')[0], ':'), 1)];
};
mkdir(kit_folder() . '/current/public', 0755, true);
file_put_contents(kit_folder() . '/current/public/style.css', 'static');
$paths = fn (string $to) => ['127.0.0.1:9501' => "127.0.0.1:$to", '/srv/app' => kit_folder()];

foreach (['nginx/swoosh.conf' => Nginx::class, 'caddy/Caddyfile' => Caddy::class] as $file => $proxy) {
    [$server, $to] = $start();
    $proxy = new $proxy(file_get_contents(kit_copy($file, $paths($to))));
    $port = $proxy->port;
    echo "== $file\n";
    echo http_ask('GET /a?b=c HTTP/1.1')[2], "\n";
    echo http_ask("POST /form HTTP/1.1\r\nHost: example.test", 'body')[2], "\n";
    echo http_ask('GET /style.css HTTP/1.1')[2], "\n";
    $s = ws_open('/chat', '', $answer);
    echo $answer[0], ', ';
    fwrite($s, ws_frame('hello'));
    echo ws_read($s)[1], "\n";
    fclose($s);
    $proxy->stop();
    $server->stop();
}
?>
--EXPECT--
== nginx/swoosh.conf
["GET","/a","","test","127.0.0.1","http","1 connection"]
["POST","/form","body","example.test","127.0.0.1","http","1 connection"]
static
HTTP/1.1 101 Switching Protocols, you said hello
== caddy/Caddyfile
["GET","/a","","test","127.0.0.1","http","1 connection"]
["POST","/form","body","example.test","127.0.0.1","http","1 connection"]
static
HTTP/1.1 101 Switching Protocols, you said hello
