<?php
// The server of one workload, for `make instructions`: workloads.php NAME PORT [CERTIFICATE KEY].
[, $name, $port] = $argv;
$workloads = [
    'hello' => function ($request, $response) {
        $response->header('Content-Type', 'text/plain');
        $response->end('Hello, World!');
    },
    'read' => function ($request, $response) {
        $count = count($request->header) + count($request->server) + strlen($request->get['id']) + strlen($request->cookie['sid']);
        $response->header('Content-Type', 'application/json');
        $response->cookie('a', 'b', 0, '/');
        $response->end(json_encode(['n' => $count, 'id' => $request->get['id']]));
    },
    'json' => function ($request, $response) {
        $response->header('Content-Type', 'application/json');
        $response->end(json_encode(json_decode($request->rawContent(), true)));
    },
    'gzip' => function ($request, $response) {
        static $page = null;
        $page ??= str_repeat('<li>some text that repeats</li>', 130);
        $response->header('Content-Type', 'text/html');
        $response->end($page);
    },
    'long' => function ($request, $response) {
        static $body = null;
        $body ??= random_bytes(100000);
        $response->header('Content-Type', 'application/octet-stream');
        $response->end($body);
    },
    'tls' => fn ($request, $response) => $response->end('Hello, World!'),
    'connections' => fn ($request, $response) => $response->end('Hello, World!'),
    'sleep' => function ($request, $response) {
        Co::sleep(0.001);
        $response->end('ok');
    },
    'file' => fn ($request, $response) => $response->end((string) strlen(file_get_contents(__FILE__))),
    'coroutines' => function ($request, $response) {
        $group = new Swoole\Coroutine\WaitGroup();
        for ($i = 0; $i < 20; $i++) {
            $group->add();
            go(function () use ($group) {
                Co::sleep(0.001);
                $group->done();
            });
        }
        $group->wait();
        $response->end('ok');
    },
];
$server = new Swoole\Http\Server('127.0.0.1', (int) $port, SWOOLE_BASE, SWOOLE_SOCK_TCP | ($name === 'tls' ? SWOOLE_SSL : 0));
$server->set(['worker_num' => 1, 'log_level' => SWOOLE_LOG_NONE, 'hook_flags' => SWOOLE_HOOK_ALL]);
if ($name === 'tls') {
    $server->set(['ssl_cert_file' => $argv[3], 'ssl_key_file' => $argv[4]]);
}
$server->on('request', $workloads[$name]);
$server->start();
