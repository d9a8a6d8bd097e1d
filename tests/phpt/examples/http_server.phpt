--TEST--
Example http_server.php sends complete HTTP/1.1 responses, keeps connections, and refuses bad requests
--EXTENSIONS--
swoole
posix
pcntl
--FILE--
<?php
require __DIR__ . '/../inc/example.inc';
require __DIR__ . '/../inc/http.inc';
/** The text of a page's heading; nothing for a response to HEAD. */
function heading(string $page): string
{
    return preg_match('~<h1>(.*)</h1>~', $page, $found) ? $found[1] : '';
}
$server = Example::run('http_server', 0);
$port = $server->ports[] = (int) $server->waitFor('~^open http://127\.0\.0\.1:(\d+)$~m')[1];
$server->waitFor('~^stop it with Ctrl\+C$~m');

$client = $server->connect()->stream;
foreach (["GET / HTTP/1.1\r\nHost: a", "GET /?name=%3Cb%3E HTTP/1.1\r\nHost: a", "HEAD / HTTP/1.1\r\nHost: a", "GET /none HTTP/1.1\r\nHost: a"] as $request) {
    fwrite($client, "$request\r\n\r\n");
    [$status, $headers, $body] = http_answer($client, str_starts_with($request, 'HEAD'));
    $date = DateTime::createFromFormat('D, d M Y H:i:s \G\M\T', $headers['date']);
    echo "$status, {$headers['connection']}, {$headers['content-type']}, ", heading($body), $date ? '' : ', no date', "\n";
}
fwrite($client, "GET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
echo 'two at once: ', http_answer($client)[0], ', ', http_answer($client)[1]['connection'], ', closed ', json_encode(fgets($client) === false), "\n";
foreach (['nonsense', "GET / HTTP/1.0", "GET / HTTP/3.0", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6"] as $request) {
    $client = $server->connect()->stream;
    fwrite($client, "$request\r\n\r\n");
    echo http_answer($client)[0], ', closed ', json_encode(fgets($client) === false), "\n";
}
$page = file_get_contents("http://127.0.0.1:$port/"); // PHP's own HTTP client
echo heading($page), "\n", preg_match('~<p>(.*)</p>~', $page, $text) ? preg_replace('~\d+~', 'N', $text[1]) : '-', "\n";
echo 'status ', $server->stop(SIGINT), "\n";
?>
--EXPECT--
HTTP/1.1 200 OK, keep-alive, text/html; charset=utf-8, Hello from Swoosh, you
HTTP/1.1 200 OK, keep-alive, text/html; charset=utf-8, Hello from Swoosh, &lt;b&gt;
HTTP/1.1 200 OK, keep-alive, text/html; charset=utf-8, 
HTTP/1.1 404 Not Found, keep-alive, text/html; charset=utf-8, There is nothing here
two at once: HTTP/1.1 200 OK, close, closed true
HTTP/1.1 400 Bad Request, closed true
HTTP/1.1 200 OK, closed true
HTTP/1.1 505 HTTP Version Not Supported, closed true
HTTP/1.1 400 Bad Request, closed true
Hello from Swoosh, you
Requests that worker process N has served: N
status 0
