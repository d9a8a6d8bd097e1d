--TEST--
http_error_page answers with the exception of a request callback as HTML, JSON or text, and the worker continues; without it nothing is shown
--EXTENSIONS--
swoole
pcntl
posix
dom
--INI--
error_log=/dev/null
display_errors=0
--FILE--
<?php
require __DIR__ . '/../inc/http.inc';
function fails(string $what)
{
    throw new RuntimeException("no <b>$what</b>", 3, new LogicException('the cause'));
}
$request = fn ($request, $response) => match ($request->server['request_uri']) {
    '/throw' => $response->header('X-Own', 'kept') && $response->header('content-encoding', 'gzip') && fails('luck'),
    '/late' => $response->write("begun\n") && fails('luck'),
    '/ended' => $response->end('complete') && fails('luck'),
    default => $response->end('served by ' . getmypid()),
};
function fetch(string $path, string $accept): array
{
    $s = http_dial();
    fwrite($s, "GET $path HTTP/1.1\r\nHost: a\r\nConnection: close\r\nAccept: $accept\r\nAuthorization: Basic secret\r\n\r\n");
    return http_answer($s);
}
$driver = function () {
    $first = fetch('/', '*/*')[2];
    [$status, $headers, $page] = fetch('/throw?a=<i>', 'text/html,*/*');
    echo "$status, {$headers['content-type']}, {$headers['cache-control']}, {$headers['x-own']}", isset($headers['content-encoding']) ? ', coded' : '', "\n";
    foreach (['RuntimeException', 'no &lt;b&gt;luck&lt;/b&gt;', 'caused by LogicException', 'class="thrown"', 'error_page.php:5', 'fails()', '(not shown)', '?a=&lt;i&gt;', 'name="viewport"', '<html lang="en">'] as $part) {
        str_contains($page, $part) || print "the page lacks $part\n";
    }
    echo 'secrets and unescaped text: ', json_encode(str_contains($page, 'secret') || str_contains($page, '<i>')), "\n";
    libxml_use_internal_errors(true);
    (new DOMDocument())->loadHTML($page);
    // 801: libxml2 does not know elements of HTML 5.
    echo count(array_filter(libxml_get_errors(), fn ($error) => $error->code !== 801)), " faults of HTML\n";
    [$status, $headers, $json] = fetch('/throw', 'application/json');
    $error = json_decode($json, true)['error'];
    echo "$status, {$headers['content-type']}: $error[exception] $error[message] line $error[line], {$error['previous'][0]['message']}\n";
    [$status, $headers, $text] = fetch('/throw', '*/*');
    echo "$status, {$headers['content-type']}: ", strtok($text, "\n"), "\n";
    // Its head has been sent with 200, so the client must see that the body is cut.
    $late = http_dial();
    fwrite($late, "GET /late HTTP/1.1\r\nHost: a\r\n\r\n");
    $bytes = '';
    while (($part = @fread($late, 8192)) !== false && $part !== '') {
        $bytes .= $part;
    }
    echo str_contains($bytes, "\r\n0\r\n\r\n") || str_contains($bytes, 'luck') ? "taken for complete: $bytes" : 'late: cut', "\n";
    [$status, , $text] = fetch('/ended', '*/*');
    echo "$status: $text\nsame worker: ", json_encode(fetch('/', '*/*')[2] === $first), "\n";
};
foreach ([SWOOLE_PROCESS, SWOOLE_BASE] as $mode) {
    foreach ([true, false] as $coroutines) {
        echo '== mode ', $mode, ', coroutines ', json_encode($coroutines), "\n";
        http_serve(['http_error_page' => true, 'http_compression' => false, 'enable_coroutine' => $coroutines], $request, $driver, $mode);
    }
}
echo "== off\n";
http_serve([], $request, function () {
    [$status, , $body] = fetch('/throw', 'text/html');
    echo json_encode([$status, $body]), "\n";
}, SWOOLE_PROCESS);
?>
--EXPECTF--
== mode 2, coroutines true
HTTP/1.1 500 Internal Server Error, text/html; charset=utf-8, no-store, kept
secrets and unescaped text: false
0 faults of HTML
HTTP/1.1 500 Internal Server Error, application/json; charset=utf-8: RuntimeException no <b>luck</b> line 5, the cause
HTTP/1.1 500 Internal Server Error, text/plain; charset=utf-8: LogicException: the cause in %serror_page.php:5
late: cut
HTTP/1.1 200 OK: complete
same worker: true
== mode 2, coroutines false
HTTP/1.1 500 Internal Server Error, text/html; charset=utf-8, no-store, kept
secrets and unescaped text: false
0 faults of HTML
HTTP/1.1 500 Internal Server Error, application/json; charset=utf-8: RuntimeException no <b>luck</b> line 5, the cause
HTTP/1.1 500 Internal Server Error, text/plain; charset=utf-8: LogicException: the cause in %serror_page.php:5
late: cut
HTTP/1.1 200 OK: complete
same worker: true
== mode 1, coroutines true
HTTP/1.1 500 Internal Server Error, text/html; charset=utf-8, no-store, kept
secrets and unescaped text: false
0 faults of HTML
HTTP/1.1 500 Internal Server Error, application/json; charset=utf-8: RuntimeException no <b>luck</b> line 5, the cause
HTTP/1.1 500 Internal Server Error, text/plain; charset=utf-8: LogicException: the cause in %serror_page.php:5
late: cut
HTTP/1.1 200 OK: complete
same worker: true
== mode 1, coroutines false
HTTP/1.1 500 Internal Server Error, text/html; charset=utf-8, no-store, kept
secrets and unescaped text: false
0 faults of HTML
HTTP/1.1 500 Internal Server Error, application/json; charset=utf-8: RuntimeException no <b>luck</b> line 5, the cause
HTTP/1.1 500 Internal Server Error, text/plain; charset=utf-8: LogicException: the cause in %serror_page.php:5
late: cut
HTTP/1.1 200 OK: complete
same worker: true
== off
["HTTP\/1.1 500 Internal Server Error",""]
