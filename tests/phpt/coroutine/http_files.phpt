--TEST--
Swoole\Coroutine\Http\Server serves static files, compresses, limits slow requests, and stores large bodies in files
--EXTENSIONS--
swoole
pcntl
posix
--FILE--
<?php
use Swoole\Coroutine as Co;
use Swoole\Coroutine\Http\{Client, Server};
Swoole\Coroutine::set(['log_level' => SWOOLE_LOG_NONE]);
mkdir($folder = sys_get_temp_dir() . '/cofiles' . getmypid());
mkdir("$folder/tmp");
file_put_contents("$folder/a.txt", str_repeat('0123456789', 20));
file_put_contents("$folder/index.html", 'index');
symlink(__FILE__, "$folder/out.txt");
function raw(int $port, string $bytes): string
{
    $s = new Co\Socket(AF_INET, SOCK_STREAM);
    $s->connect('127.0.0.1', $port);
    $s->sendAll($bytes);
    for ($all = ''; ($part = $s->recv(65536, 10)) !== '' && $part !== false; $all .= $part);
    return $all;
}
function status(string $answer): string
{
    return substr($answer, 9, 3);
}
Co\run(function () use ($folder) {
    $server = new Server('127.0.0.1', 0);
    $server->set([
        'document_root' => $folder, 'enable_static_handler' => true, 'http_index_files' => ['index.html'],
        'http_compression_level' => 1, 'compression_min_length' => 100, 'package_max_length' => 80 << 20,
        'http_header_timeout' => 0.3, 'http_body_timeout' => 0.3, 'upload_tmp_dir' => "$folder/tmp", 'input_buffer_size' => 100_000,
    ]);
    $server->handle('/', fn ($request, $response) => $response->end(match ($request->server['request_uri']) {
        '/text' => str_repeat('text ', 100),
        '/body' => md5($request->getContent()),
        '/form' => $request->post['a'] . ' ' . $request->files['f']['size'] . ' ' . md5_file($request->files['f']['tmp_name']),
        default => 'handler ' . $request->server['request_uri'],
    }));
    go(fn () => $server->start());
    $get = fn (string $line, string $more = '') => raw($server->port, "$line HTTP/1.1\r\nHost: x\r\nConnection: close\r\n$more\r\n");
    $whole = $get('GET /a.txt');
    echo status($whole), ' ', preg_match('~^Content-Type: (.*)\r$~m', $whole, $m) ? $m[1] : '', ' ', strlen(explode("\r\n\r\n", $whole)[1]), "\n";
    $part = $get('GET /a.txt', "Range: bytes=5-8, 15-16\r\n");
    echo status($part), ' ', substr_count($part, "\r\n\r\n56"), "\n";
    preg_match('~^ETag: (.*)\r$~m', $whole, $tag);
    echo status($get('GET /a.txt', "If-None-Match: $tag[1]\r\n")), "\n";
    $head = $get('HEAD /a.txt');
    echo status($head), ' ', str_contains($head, "Content-Length: 200\r\n") && str_ends_with($head, "\r\n\r\n") ? 'head' : $head, "\n";
    foreach (['GET /', 'GET /out.txt', 'GET /../a', 'POST /a.txt', 'GET /none'] as $line) {
        echo "$line: ", explode("\r\n\r\n", $get($line))[1], "\n";
    }
    // One connection: files and responses in order.
    $both = raw($server->port, "GET /a.txt HTTP/1.1\r\nHost: x\r\n\r\nGET /none HTTP/1.1\r\nHost: x\r\n\r\nGET /a.txt HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    echo substr_count($both, '0123456789') === 40 && strpos($both, 'handler /none') > 200 ? "in order\n" : $both;
    echo preg_match('~Content-Encoding: gzip\r\n~i', $get('GET /text', "Accept-Encoding: gzip\r\n")) ? "packed\n" : "plain\n";
    // Slow requests.
    foreach (["GET / HTTP/1.1\r\nHost", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nab", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 300000\r\n\r\n" . str_repeat('x', 200000), ''] as $begin) {
        echo status(raw($server->port, $begin)) ?: 'closed', "\n";
    }
    // Long bodies.
    $body = str_repeat(random_bytes(1000), 20_000);
    $client = new Client('127.0.0.1', $server->port);
    $client->post('/body', $body);
    echo $client->statusCode, ' ', $client->body === md5($body) ? 'right' : $client->body, "\n";
    $chunked = "POST /body HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n";
    foreach (str_split($body, 1_000_000) as $piece) {
        $chunked .= dechex(strlen($piece)) . "\r\n$piece\r\n";
    }
    echo str_ends_with(raw($server->port, "{$chunked}0\r\n\r\n"), md5($body)) ? "right\n" : "wrong\n";
    file_put_contents("$folder/tmp/own", $body);
    $client->addFile("$folder/tmp/own", 'f');
    $client->post('/form', ['a' => 'b']);
    echo $client->body === 'b 20000000 ' . md5($body) ? "right\n" : "wrong: $client->body\n";
    $client->get('/none');
    echo $client->body, "\n";
    $server->shutdown();
    echo implode(' ', array_map('basename', glob("$folder/tmp/*"))), "\n";
});
array_map('unlink', ["$folder/a.txt", "$folder/index.html", "$folder/out.txt", "$folder/tmp/own"]);
rmdir("$folder/tmp");
rmdir($folder);
?>
--EXPECT--
200 text/plain 200
206 2
304
200 head
GET /: index
GET /out.txt: handler /out.txt
GET /../a: handler /../a
POST /a.txt: handler /a.txt
GET /none: handler /none
in order
packed
408
408
408
closed
200 right
right
right
handler /none
own
