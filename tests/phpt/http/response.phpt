--TEST--
Swoole\Http\Response sends heads, bodies, cookies, files and compression, and cannot split a response in two
--EXTENSIONS--
swoole
pcntl
posix
--FILE--
<?php
require __DIR__ . '/../inc/http.inc';
file_put_contents($file = sys_get_temp_dir() . '/http' . getmypid() . '.txt', '0123456789');
$quiet = fn (callable $do) => @$do();
$request = function ($q, $r) use ($file, $quiet) {
    $long = str_repeat('0123456789', 50);
    match ($q->server['request_uri']) {
        '/head' => [$r->status(201, 'Made'), $r->header('x-a', '1'), $r->header('X-List', ['a', 2, null, 'b']), $r->header('x-raw', 'r', false), $r->end('body')],
        '/cookie' => [$r->cookie('a', 'x y', 86400, '/', 'd.test', true, true, 'Lax'), $r->rawcookie('b', 'v'), $r->cookie((new Swoole\Http\Cookie())->withName('c')->withValue('1')->withPartitioned(true)), $r->end()],
        '/split' => [$quiet(fn () => $r->header('X-A', "a\r\nX-Injected: 1")), $quiet(fn () => $r->header("X-B\r\nX-Injected", '1')), $quiet(fn () => $r->header('X C', '1')), $quiet(fn () => $r->header('X-D', "a\0b")), $quiet(fn () => $r->status(200, "OK\r\nX-Injected: 1")), $quiet(fn () => $r->redirect("/to\r\nX-Injected: 1"))],
        '/smuggle' => [$r->header('Content-Length', '1'), $r->header('Transfer-Encoding', 'gzip'), $r->end('body')],
        '/chunks' => [$r->header('Trailer', 'X-T'), $r->write('one'), $r->write('two'), $r->trailer('X-T', 't'), $r->end('three')],
        '/empty' => [$r->status(204), $r->end('no body may be here')],
        '/redirect' => $r->redirect('/to', 308),
        '/file' => $r->sendfile($file),
        '/part' => $r->sendfile($file, 2, 3),
        '/nofile' => [$quiet(fn () => $r->sendfile('/no/such/file')), $r->end('instead')],
        '/long' => $r->end($long),
        '/png' => [$r->header('Content-Type', 'image/png'), $r->end($long)],
        '/twice' => [$r->end('once'), $quiet(fn () => $r->end('twice')), $quiet(fn () => $r->write('more'))],
        '/forgotten' => $r->status(418),
        '/detached' => [$r->detach(), Swoole\Timer::after(10, fn () => Swoole\Http\Response::create($q->fd)->end('later'))],
        '/throws' => throw new Exception('not caught'),
    };
};
$driver = function () {
    foreach (['GET /head', 'HEAD /head', 'GET /cookie', 'GET /split', 'GET /smuggle', 'GET /chunks', 'HEAD /chunks', 'GET /empty', 'GET /redirect', 'GET /file', 'HEAD /file', 'GET /part', 'GET /nofile', 'GET /twice', 'GET /forgotten', 'GET /detached'] as $line) {
        $keep = $line === 'GET /detached';
        $s = http_dial();
        fwrite($s, "$line HTTP/1.1\r\nHost: a\r\n" . ($keep ? '' : "Connection: close\r\n") . "\r\n");
        [$status, $headers, $body] = http_answer($s, str_starts_with($line, 'HEAD'));
        unset($headers['date'], $headers['server'], $headers['connection']);
        ksort($headers);
        echo "$line: $status ", preg_replace('~Max-Age=\d+~', 'Max-Age=N', json_encode($headers, JSON_UNESCAPED_SLASHES)), " $body", $keep ? '' : (fgets($s) === false ? '' : ' AND MORE'), "\n";
    }
    foreach (['gzip', 'deflate', 'br', 'zstd', 'gzip;q=0.2, br;q=0.1', 'gzip;q=0', 'br;q=0, *', 'identity', 'x-unknown'] as $accept) {
        [, $headers, $body] = http_ask("GET /long HTTP/1.1\r\nHost: a\r\nAccept-Encoding: $accept");
        $coding = $headers['content-encoding'] ?? '-';
        $plain = match ($coding) { 'gzip' => gzdecode($body), 'deflate' => gzuncompress($body), '-' => $body, default => strlen($body) < 100 ? str_repeat('0123456789', 50) : '' };
        echo "$accept: $coding ", var_export($plain === str_repeat('0123456789', 50), true), ' ', $headers['vary'] ?? '-', "\n";
    }
    echo 'image: ', http_ask("GET /png HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip")[1]['content-encoding'] ?? '-', "\n";
    // HTTP/1.0 has no chunks.
    $s = http_dial();
    fwrite($s, "GET /chunks HTTP/1.0\r\n\r\n");
    [$status, $headers, $body] = http_answer($s);
    echo $headers['connection'], ' ', $headers['transfer-encoding'] ?? '-', " $body\n";
};
http_serve([], $request, $driver);
http_serve([], $request, $driver, SWOOLE_PROCESS);
unlink($file);
?>
--EXPECT--
GET /head: HTTP/1.1 201 Made {"content-length":"4","content-type":"text/html","x-a":"1","x-list":"a & 2 & b","x-raw":"r"} body
HEAD /head: HTTP/1.1 201 Made {"content-length":"4","content-type":"text/html","x-a":"1","x-list":"a & 2 & b","x-raw":"r"} 
GET /cookie: HTTP/1.1 200 OK {"content-length":"0","content-type":"text/html","set-cookie":"a=x+y; expires=Fri, 02-Jan-1970 00:00:00 GMT; Max-Age=N; path=/; domain=d.test; secure; HttpOnly; SameSite=Lax & b=v & c=1; Partitioned"} 
GET /split: HTTP/1.1 302 Found {"content-length":"0","content-type":"text/html"} 
GET /smuggle: HTTP/1.1 200 OK {"content-length":"4","content-type":"text/html"} body
GET /chunks: HTTP/1.1 200 OK {"content-type":"text/html","trailer":"X-T","transfer-encoding":"chunked"} onetwothree
HEAD /chunks: HTTP/1.1 200 OK {"content-type":"text/html","trailer":"X-T"} 
GET /empty: HTTP/1.1 204 No Content {"content-type":"text/html"} 
GET /redirect: HTTP/1.1 308 Permanent Redirect {"content-length":"0","content-type":"text/html","location":"/to"} 
GET /file: HTTP/1.1 200 OK {"content-length":"10","content-type":"text/plain"} 0123456789
HEAD /file: HTTP/1.1 200 OK {"content-length":"10","content-type":"text/plain"} 
GET /part: HTTP/1.1 200 OK {"content-length":"3","content-type":"text/plain"} 234
GET /nofile: HTTP/1.1 200 OK {"content-length":"7","content-type":"text/html"} instead
GET /twice: HTTP/1.1 200 OK {"content-length":"4","content-type":"text/html"} once
GET /forgotten: HTTP/1.1 418 I'm a teapot {"content-length":"0","content-type":"text/html"} 
GET /detached: HTTP/1.1 200 OK {"content-length":"5","content-type":"text/html"} later
gzip: gzip true Accept-Encoding
deflate: deflate true Accept-Encoding
br: br true Accept-Encoding
zstd: zstd true Accept-Encoding
gzip;q=0.2, br;q=0.1: gzip true Accept-Encoding
gzip;q=0: - true -
br;q=0, *: zstd true Accept-Encoding
identity: - true -
x-unknown: - true -
image: gzip
close - onetwothree
GET /head: HTTP/1.1 201 Made {"content-length":"4","content-type":"text/html","x-a":"1","x-list":"a & 2 & b","x-raw":"r"} body
HEAD /head: HTTP/1.1 201 Made {"content-length":"4","content-type":"text/html","x-a":"1","x-list":"a & 2 & b","x-raw":"r"} 
GET /cookie: HTTP/1.1 200 OK {"content-length":"0","content-type":"text/html","set-cookie":"a=x+y; expires=Fri, 02-Jan-1970 00:00:00 GMT; Max-Age=N; path=/; domain=d.test; secure; HttpOnly; SameSite=Lax & b=v & c=1; Partitioned"} 
GET /split: HTTP/1.1 302 Found {"content-length":"0","content-type":"text/html"} 
GET /smuggle: HTTP/1.1 200 OK {"content-length":"4","content-type":"text/html"} body
GET /chunks: HTTP/1.1 200 OK {"content-type":"text/html","trailer":"X-T","transfer-encoding":"chunked"} onetwothree
HEAD /chunks: HTTP/1.1 200 OK {"content-type":"text/html","trailer":"X-T"} 
GET /empty: HTTP/1.1 204 No Content {"content-type":"text/html"} 
GET /redirect: HTTP/1.1 308 Permanent Redirect {"content-length":"0","content-type":"text/html","location":"/to"} 
GET /file: HTTP/1.1 200 OK {"content-length":"10","content-type":"text/plain"} 0123456789
HEAD /file: HTTP/1.1 200 OK {"content-length":"10","content-type":"text/plain"} 
GET /part: HTTP/1.1 200 OK {"content-length":"3","content-type":"text/plain"} 234
GET /nofile: HTTP/1.1 200 OK {"content-length":"7","content-type":"text/html"} instead
GET /twice: HTTP/1.1 200 OK {"content-length":"4","content-type":"text/html"} once
GET /forgotten: HTTP/1.1 418 I'm a teapot {"content-length":"0","content-type":"text/html"} 
GET /detached: HTTP/1.1 200 OK {"content-length":"5","content-type":"text/html"} later
gzip: gzip true Accept-Encoding
deflate: deflate true Accept-Encoding
br: br true Accept-Encoding
zstd: zstd true Accept-Encoding
gzip;q=0.2, br;q=0.1: gzip true Accept-Encoding
gzip;q=0: - true -
br;q=0, *: zstd true Accept-Encoding
identity: - true -
x-unknown: - true -
image: gzip
close - onetwothree
