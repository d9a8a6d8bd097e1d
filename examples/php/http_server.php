<?php
// The first page. A TCP server that speaks just enough HTTP/1.1 to be read by every browser.
//
//     php -d extension=target/release/libswoosh_php.so examples/php/http_server.php [port]
//
// The port is the first argument, else the environment's SWOOSH_PORT, else 9501; 0 takes a free one.
use Swoole\Server;

const METHOD_NOT_ALLOWED = '405 Method Not Allowed';

$port = (int) ($argv[1] ?? $_SERVER['SWOOSH_PORT'] ?? 9501);

$server = new Server('127.0.0.1', $port, SWOOLE_PROCESS);
$server->set([
    'worker_num' => 2,
    // A request's head ends with an empty line: the server cuts there, so that each `receive` gets one whole head.
    'open_eof_split' => true,
    'package_eof' => "\r\n\r\n",
    'package_max_length' => 64 * 1024, // whoever sends a longer one is disconnected
]);

// In the master process, once the server takes connections.
$server->on('start', function (Server $server) {
    echo "open http://127.0.0.1:{$server->port}\n";
    echo "stop it with Ctrl+C\n";
});

// In a worker process, for each request. Connections stay open for the next one (keep-alive).
$server->on('receive', function (Server $server, int $fd, int $reactor, string $head) {
    static $served = 0; // a worker lives on between requests, and so do its variables
    [$status, $body, $keep, $method] = answer($head, ++$served);
    $reply = "HTTP/1.1 $status\r\n"
        . 'Date: ' . gmdate('D, d M Y H:i:s') . " GMT\r\n"
        . "Content-Type: text/html; charset=utf-8\r\n"
        . 'Content-Length: ' . strlen($body) . "\r\n"
        . ($status === METHOD_NOT_ALLOWED ? "Allow: GET, HEAD\r\n" : '')
        . 'Connection: ' . ($keep ? 'keep-alive' : 'close') . "\r\n\r\n"
        . ($method === 'HEAD' ? '' : $body);
    $server->send($fd, $reply);
    $keep || $server->close($fd); // what was sent still goes out first
});

$server->start(); // returns when the server has ended

/** Status, body, whether the connection stays open, and method. */
function answer(string $head, int $served): array
{
    $lines = explode("\r\n", trim($head, "\r\n"));
    if (!preg_match('~^([A-Z]+) (\S+) HTTP/1\.([01])$~', array_shift($lines), $request)) {
        return ['400 Bad Request', "<h1>That is no HTTP</h1>\n", false, ''];
    }
    [, $method, $path, $minor] = $request;
    $headers = [];
    foreach ($lines as $line) {
        [$name, $value] = explode(':', $line, 2) + [1 => ''];
        $headers[strtolower($name)] = trim($value);
    }
    if ($minor === '1' && !isset($headers['host'])) {
        return ['400 Bad Request', "<h1>A request of HTTP/1.1 names its host</h1>\n", false, $method];
    }
    // This server reads no bodies; one that came would be taken for the next request.
    if (!in_array($method, ['GET', 'HEAD'], true)) {
        return [METHOD_NOT_ALLOWED, "<h1>Only GET and HEAD are served here</h1>\n", false, $method];
    }
    if (isset($headers['transfer-encoding']) || ($headers['content-length'] ?? '0') !== '0') {
        return ['413 Content Too Large', "<h1>Bodies are not read here</h1>\n", false, $method];
    }
    $wish = strtolower($headers['connection'] ?? '');
    $keep = $minor === '1' ? $wish !== 'close' : $wish === 'keep-alive';
    if (strtok($path, '?') !== '/') {
        return ['404 Not Found', "<h1>There is nothing here</h1>\n", $keep, $method];
    }
    $pid = getmypid();
    return ['200 OK', "<h1>Hello from Swoosh</h1>\n<p>Worker process $pid has served $served requests.</p>\n", $keep, $method];
}
