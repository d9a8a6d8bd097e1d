--TEST--
Static files have types, conditions, ranges and folders, and never a byte from outside the root
--EXTENSIONS--
swoole
pcntl
posix
--FILE--
<?php
require __DIR__ . '/../inc/http.inc';
$root = sys_get_temp_dir() . '/static' . getmypid();
foreach (['', '/doc', '/doc/sub', '/doc/idx', '/doc/.dots'] as $folder) { mkdir($root . $folder); }
foreach (['secret.txt' => 'secret', 'doc/a.txt' => '0123456789', 'doc/page.php' => '<?php secret();', 'doc/idx/index.html' => 'index', 'doc/sub/b <c>.txt' => 'b', 'doc/empty.txt' => ''] as $name => $text) { file_put_contents("$root/$name", $text); }
symlink("$root/secret.txt", "$root/doc/out.txt");
symlink("$root/doc/a.txt", "$root/doc/in.txt");
symlink($root, "$root/doc/up");
foreach (['a.txt', 'empty.txt', 'idx/index.html'] as $name) { touch("$root/doc/$name", 1700000000); }
foreach ([SWOOLE_BASE, SWOOLE_PROCESS] as $mode) {
    http_serve(['document_root' => "$root/doc", 'enable_static_handler' => true, 'http_index_files' => ['index.html'], 'http_autoindex' => true], fn ($q, $r) => $r->end('handler'), function () {
        $show = function (array $answer) {
            [$status, $headers, $body] = $answer;
            $headers = array_intersect_key($headers, array_flip(['content-type', 'content-length', 'content-range', 'last-modified', 'accept-ranges']));
            return substr($status, 9) . ' ' . json_encode(array_values($headers), JSON_UNESCAPED_SLASHES) . " $body";
        };
        foreach (['GET /a.txt', 'HEAD /a.txt', 'POST /a.txt', 'GET /in.txt', 'GET /empty.txt', 'GET /idx', 'GET /page.php', 'GET /none.txt'] as $line) {
            echo "$line: ", $show(http_ask("$line HTTP/1.1")), "\n";
        }
        foreach (['/out.txt', '/up/secret.txt', '/../secret.txt', '/%2e%2e/secret.txt', '/sub/..%2f..%2fsecret.txt', '/sub/%2e%2e/%2e%2e/secret.txt', '/a.txt%00.png', '/..%5csecret.txt', '/%252e%252e/secret.txt'] as $path) {
            echo "$path: ", http_ask("GET $path HTTP/1.1")[2], "\n";
        }
        $tag = http_ask('GET /a.txt HTTP/1.1')[1]['etag'];
        foreach (['Range: bytes=2-4', 'Range: bytes=-1', 'Range: bytes=99-', 'Range: bytes=x', "If-None-Match: $tag", 'If-None-Match: "other"', "If-Match: \"other\"", 'If-Modified-Since: Tue, 14 Nov 2023 22:13:20 GMT', 'If-Modified-Since: Tue, 14 Nov 2023 22:13:19 GMT', "Range: bytes=0-0\r\nIf-Range: $tag", "Range: bytes=0-0\r\nIf-Range: \"other\"", 'Accept-Encoding: gzip'] as $field) {
            echo preg_replace('~"[0-9a-f]+-[0-9a-f]+"~', '(tag)', strtr($field, ["\r\n" => ', '])), ': ', $show(http_ask("GET /a.txt HTTP/1.1\r\nHost: a\r\n$field")), "\n";
        }
        [$status, $headers, $body] = http_ask("GET /a.txt HTTP/1.1\r\nHost: a\r\nRange: bytes=0-1,8-");
        $boundary = explode('boundary=', $headers['content-type'])[1];
        echo substr($status, 9), ' ', strtr($body, [$boundary => 'B', "\r\n" => '|']), "\n";
        preg_match_all('~href="([^"]*)">([^<]*)~', http_ask('GET /sub/ HTTP/1.1')[2], $links, PREG_SET_ORDER);
        echo json_encode(array_map(fn ($l) => "$l[1] $l[2]", $links), JSON_UNESCAPED_SLASHES), "\n";
        // Kept connections: files and callbacks alternate.
        $s = http_dial();
        fwrite($s, "GET /a.txt HTTP/1.1\r\nHost: a\r\n\r\nGET /x HTTP/1.1\r\nHost: a\r\n\r\nGET /in.txt HTTP/1.1\r\nHost: a\r\n\r\n");
        echo http_answer($s)[2], ' ', http_answer($s)[2], ' ', http_answer($s)[2], "\n";
    }, $mode);
}
exec('rm -r ' . escapeshellarg($root));
swoole_mime_type_set('odd', 'text/odd');
echo swoole_mime_type_get('/a/b.odd'), ' ', swoole_get_mime_type('x'), ' ', json_encode([swoole_mime_type_add('odd', 'x/y'), swoole_mime_type_exists('a.ODD'), swoole_mime_type_delete('odd'), swoole_mime_type_exists('a.odd'), count(swoole_mime_type_list()) > 50]), "\n";
?>
--EXPECT--
GET /a.txt: 200 OK ["Tue, 14 Nov 2023 22:13:20 GMT","text/plain","bytes","10"] 0123456789
HEAD /a.txt: 200 OK ["Tue, 14 Nov 2023 22:13:20 GMT","text/plain","bytes","10"] 
POST /a.txt: 200 OK ["text/html","7"] handler
GET /in.txt: 200 OK ["Tue, 14 Nov 2023 22:13:20 GMT","text/plain","bytes","10"] 0123456789
GET /empty.txt: 200 OK ["Tue, 14 Nov 2023 22:13:20 GMT","text/plain","bytes","0"] 
GET /idx: 200 OK ["Tue, 14 Nov 2023 22:13:20 GMT","text/html","bytes","5"] index
GET /page.php: 200 OK ["text/html","7"] handler
GET /none.txt: 200 OK ["text/html","7"] handler
/out.txt: handler
/up/secret.txt: handler
/../secret.txt: handler
/%2e%2e/secret.txt: handler
/sub/..%2f..%2fsecret.txt: handler
/sub/%2e%2e/%2e%2e/secret.txt: handler
/a.txt%00.png: handler
/..%5csecret.txt: handler
/%252e%252e/secret.txt: handler
Range: bytes=2-4: 206 Partial Content ["Tue, 14 Nov 2023 22:13:20 GMT","text/plain","bytes 2-4/10","3"] 234
Range: bytes=-1: 206 Partial Content ["Tue, 14 Nov 2023 22:13:20 GMT","text/plain","bytes 9-9/10","1"] 9
Range: bytes=99-: 416 Range Not Satisfiable ["bytes */10","0"] 
Range: bytes=x: 200 OK ["Tue, 14 Nov 2023 22:13:20 GMT","text/plain","bytes","10"] 0123456789
If-None-Match: (tag): 304 Not Modified ["Tue, 14 Nov 2023 22:13:20 GMT"] 
If-None-Match: "other": 200 OK ["Tue, 14 Nov 2023 22:13:20 GMT","text/plain","bytes","10"] 0123456789
If-Match: "other": 412 Precondition Failed ["text/html","88"] <!doctype html>
<title>412 Precondition Failed</title>
<h1>412 Precondition Failed</h1>

If-Modified-Since: Tue, 14 Nov 2023 22:13:20 GMT: 304 Not Modified ["Tue, 14 Nov 2023 22:13:20 GMT"] 
If-Modified-Since: Tue, 14 Nov 2023 22:13:19 GMT: 200 OK ["Tue, 14 Nov 2023 22:13:20 GMT","text/plain","bytes","10"] 0123456789
Range: bytes=0-0, If-Range: (tag): 206 Partial Content ["Tue, 14 Nov 2023 22:13:20 GMT","text/plain","bytes 0-0/10","1"] 0
Range: bytes=0-0, If-Range: "other": 200 OK ["Tue, 14 Nov 2023 22:13:20 GMT","text/plain","bytes","10"] 0123456789
Accept-Encoding: gzip: 200 OK ["Tue, 14 Nov 2023 22:13:20 GMT","text/plain","bytes","10"] 0123456789
206 Partial Content |--B|Content-Type: text/plain|Content-Range: bytes 0-1/10||01|--B|Content-Type: text/plain|Content-Range: bytes 8-9/10||89|--B--|
["/sub/.. ..","/sub/b%20%3Cc%3E.txt b &lt;c&gt;.txt"]
0123456789 handler 0123456789
GET /a.txt: 200 OK ["Tue, 14 Nov 2023 22:13:20 GMT","text/plain","bytes","10"] 0123456789
HEAD /a.txt: 200 OK ["Tue, 14 Nov 2023 22:13:20 GMT","text/plain","bytes","10"] 
POST /a.txt: 200 OK ["text/html","7"] handler
GET /in.txt: 200 OK ["Tue, 14 Nov 2023 22:13:20 GMT","text/plain","bytes","10"] 0123456789
GET /empty.txt: 200 OK ["Tue, 14 Nov 2023 22:13:20 GMT","text/plain","bytes","0"] 
GET /idx: 200 OK ["Tue, 14 Nov 2023 22:13:20 GMT","text/html","bytes","5"] index
GET /page.php: 200 OK ["text/html","7"] handler
GET /none.txt: 200 OK ["text/html","7"] handler
/out.txt: handler
/up/secret.txt: handler
/../secret.txt: handler
/%2e%2e/secret.txt: handler
/sub/..%2f..%2fsecret.txt: handler
/sub/%2e%2e/%2e%2e/secret.txt: handler
/a.txt%00.png: handler
/..%5csecret.txt: handler
/%252e%252e/secret.txt: handler
Range: bytes=2-4: 206 Partial Content ["Tue, 14 Nov 2023 22:13:20 GMT","text/plain","bytes 2-4/10","3"] 234
Range: bytes=-1: 206 Partial Content ["Tue, 14 Nov 2023 22:13:20 GMT","text/plain","bytes 9-9/10","1"] 9
Range: bytes=99-: 416 Range Not Satisfiable ["bytes */10","0"] 
Range: bytes=x: 200 OK ["Tue, 14 Nov 2023 22:13:20 GMT","text/plain","bytes","10"] 0123456789
If-None-Match: (tag): 304 Not Modified ["Tue, 14 Nov 2023 22:13:20 GMT"] 
If-None-Match: "other": 200 OK ["Tue, 14 Nov 2023 22:13:20 GMT","text/plain","bytes","10"] 0123456789
If-Match: "other": 412 Precondition Failed ["text/html","88"] <!doctype html>
<title>412 Precondition Failed</title>
<h1>412 Precondition Failed</h1>

If-Modified-Since: Tue, 14 Nov 2023 22:13:20 GMT: 304 Not Modified ["Tue, 14 Nov 2023 22:13:20 GMT"] 
If-Modified-Since: Tue, 14 Nov 2023 22:13:19 GMT: 200 OK ["Tue, 14 Nov 2023 22:13:20 GMT","text/plain","bytes","10"] 0123456789
Range: bytes=0-0, If-Range: (tag): 206 Partial Content ["Tue, 14 Nov 2023 22:13:20 GMT","text/plain","bytes 0-0/10","1"] 0
Range: bytes=0-0, If-Range: "other": 200 OK ["Tue, 14 Nov 2023 22:13:20 GMT","text/plain","bytes","10"] 0123456789
Accept-Encoding: gzip: 200 OK ["Tue, 14 Nov 2023 22:13:20 GMT","text/plain","bytes","10"] 0123456789
206 Partial Content |--B|Content-Type: text/plain|Content-Range: bytes 0-1/10||01|--B|Content-Type: text/plain|Content-Range: bytes 8-9/10||89|--B--|
["/sub/.. ..","/sub/b%20%3Cc%3E.txt b &lt;c&gt;.txt"]
0123456789 handler 0123456789
text/odd application/octet-stream [false,true,true,false,true]
