<?php
// An HTTP server in front of php-fpm: it sends static files itself and passes scripts on, as nginx does.
//
//     php -d extension=target/release/libswoosh_php.so examples/php/fastcgi_proxy.php [PORT] [ROOT] [FPM]
//
// FPM: host:port of php-fpm, or the path of its socket.
use Swoole\Coroutine\FastCGI\Client\Exception;
use Swoole\Coroutine\FastCGI\Proxy;
use Swoole\Http\{Request, Response, Server};

$port = (int) ($argv[1] ?? $_SERVER['SWOOSH_PORT'] ?? 9501);
$proxy = (new Proxy($argv[3] ?? '127.0.0.1:9000', $argv[2] ?? '/var/www/html'))->withTimeout(30);

$server = new Server('127.0.0.1', $port);
$server->set(['worker_num' => 2, 'http_parse_cookie' => false, 'http_parse_post' => false]);
$server->on('start', fn (Server $server) => print("a web server on http://127.0.0.1:{$server->port}/; stop it with Ctrl+C\n"));
$server->on('request', function (Request $request, Response $response) use ($proxy) {
    try {
        $proxy->pass($request, $response);
    } catch (Exception $failure) {
        $response->status(502);
        $response->end("php-fpm does not answer: {$failure->getMessage()}\n");
    }
});
$server->start();
