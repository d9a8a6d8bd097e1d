--TEST--
Example http_server.php: whole answers of HTTP/1.1, kept connections, refusals
--EXTENSIONS--
swoole
posix
--FILE--
<?php
require __DIR__ . '/inc/example.php';
$server = Example::run('http_server', 0);
$port = $server->ports[] = (int) $server->waitFor('~^open http://127\.0\.0\.1:(\d+)$~m')[1];
$server->waitFor('~^stop it with Ctrl\+C$~m');

/** One answer: its status line, its headers by lower-case name, its body. */
function answer(Lines $client, bool $head = false): array
{
    $status = $client->next();
    $headers = [];
    while (($line = $client->next()) !== '') {
        [$name, $value] = explode(': ', $line ?: throw new Exception('the answer breaks off'), 2);
        $headers[strtolower($name)] = $value;
    }
    return [$status, $headers, $head ? '' : $client->bytes((int) $headers['content-length'])];
}

$client = $server->connect();
foreach (["GET / HTTP/1.1\r\nHost: a", "GET /?q=1 HTTP/1.1\r\nHost: a", "HEAD / HTTP/1.1\r\nHost: a", "GET /none HTTP/1.1\r\nHost: a"] as $request) {
    $client->send("$request\r\n\r");
    [$status, $headers, $body] = answer($client, str_starts_with($request, 'HEAD'));
    preg_match('~has served \d+ requests~', $body, $served);
    $date = DateTime::createFromFormat('D, d M Y H:i:s \G\M\T', $headers['date']);
    echo "$status, {$headers['connection']}, {$headers['content-type']}, ", $served[0] ?? 'no count', $date ? '' : ', no date', "\n";
}
$client->send("GET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r");
echo 'two at once: ', answer($client)[0], ', ', answer($client)[1]['connection'], ', closed ', json_encode($client->next() === false), "\n";
foreach (["POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3", 'GET / HTTP/1.1', 'nonsense', "GET / HTTP/1.0", "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 5"] as $request) {
    $client = $server->connect();
    $client->send("$request\r\n\r");
    [$status, $headers] = answer($client);
    echo "$status", isset($headers['allow']) ? " (allowed: {$headers['allow']})" : '', ', closed ', json_encode($client->next() === false), "\n";
}
echo strip_tags(preg_replace('~\d+~', 'N', file_get_contents("http://127.0.0.1:$port/"))); // PHP's own client
echo 'status ', $server->stop(SIGINT), "\n";
?>
--EXPECT--
HTTP/1.1 200 OK, keep-alive, text/html; charset=utf-8, has served 1 requests
HTTP/1.1 200 OK, keep-alive, text/html; charset=utf-8, has served 2 requests
HTTP/1.1 200 OK, keep-alive, text/html; charset=utf-8, no count
HTTP/1.1 404 Not Found, keep-alive, text/html; charset=utf-8, no count
two at once: HTTP/1.1 200 OK, close, closed true
HTTP/1.1 405 Method Not Allowed (allowed: GET, HEAD), closed true
HTTP/1.1 400 Bad Request, closed true
HTTP/1.1 400 Bad Request, closed true
HTTP/1.1 200 OK, closed true
HTTP/1.1 413 Content Too Large, closed true
Hello from Swoosh
Worker process N has served N requests.
status 0
