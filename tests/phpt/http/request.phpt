--TEST--
Swoole\Http\Request has every property and method a handler reads, in both modes
--EXTENSIONS--
swoole
pcntl
posix
--FILE--
<?php
require __DIR__ . '/../inc/http.inc';
mkdir($dir = sys_get_temp_dir() . '/http' . getmypid());
foreach ([SWOOLE_BASE, SWOOLE_PROCESS] as $mode) {
    http_serve(['upload_tmp_dir' => $dir, 'upload_max_filesize' => 20], function ($request, $response) {
        $response->end(json_encode([
            'method' => $request->getMethod(), 'uri' => $request->server['request_uri'], 'path' => $request->server['path_info'],
            'header' => array_diff_key($request->header, ['host' => 1, 'connection' => 1, 'content-length' => 1, 'content-type' => 1]),
            'get' => $request->get, 'cookie' => $request->cookie, 'post' => $request->post,
            'files' => array_map(fn ($f) => isset($f['name']) ? [$f['name'], $f['type'], $f['size'], $f['error'], $f['tmp_name'] ? file_get_contents($f['tmp_name']) : ''] : count($f), $request->files ?? []),
            'uploaded' => array_map(is_uploaded_file(...), $request->tmpfiles ?? []),
            'raw' => strlen($request->rawContent()),
            'local' => [$request->server['server_addr'], $request->server['remote_addr'], $request->fd > 0],
        ], JSON_UNESCAPED_SLASHES));
    }, function () use ($dir) {
        $part = fn ($disposition, $data, $type = '') => "--B\r\nContent-Disposition: form-data; $disposition\r\n$type\r\n$data\r\n";
        foreach ([
            ["GET /a%20b?x[]=1&x[k][]=2&y.z=%41 HTTP/1.1\r\nX-A: 1\r\nx-a: 2\r\n123: n\r\nCookie: c=1; d=%42+; c=2; e[]=3\r\nCookie: f=4", ''],
            ["POST /form HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded", 'a=1&b[c]=2&b[d][]=3'],
            ["PUT /json HTTP/1.1\r\nContent-Type: application/json", '{"a":1}'],
            ["POST /up HTTP/1.1\r\nContent-Type: multipart/form-data; boundary=\"B\"", 'preamble' . "\r\n" . $part('name="f"; filename="a.txt"', "one\r\n--Bx", "Content-Type: text/plain\r\n") . $part('name="g[]"; filename="b"', 'two') . $part('name="g[]"; filename="c"', '') . $part('name="h"; filename=""', '') . $part('name="long"; filename="l"', str_repeat('x', 21)) . $part('name="field[x]"', 'v') . "--B--\r\nepilogue"],
        ] as [$head, $body]) {
            echo http_ask($head, $body)[2], "\n";
        }
        $s = http_dial();
        fwrite($s, "POST /chunks HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Type: application/x-www-form-urlencoded\r\nConnection: close\r\n\r\n3;e=1\r\na=1\r\n4\r\n&b=2\r\n0\r\nT: 1\r\n\r\n");
        echo json_encode(json_decode(http_answer($s)[2], true)['post']), "\n";
        echo http_ask("POST /up HTTP/1.1\r\nContent-Type: multipart/form-data", '--B')[0], "\n";
        echo 'files left: ', count(glob("$dir/*")), "\n";
    }, $mode);
}
rmdir($dir);
$request = Swoole\Http\Request::create();
foreach (["POST /p?q=1 HT", "TP/1.1\r\nContent-Length: 3\r\n\r\na", 'bcdef'] as $piece) {
    echo var_export($request->parse($piece), true), ' ', var_export($request->isCompleted(), true), ', ';
}
echo $request->rawContent(), ' ', $request->server['request_uri'], ' ', json_encode($request->get), "\n";
foreach (['clone' => fn () => clone $request, 'serialize' => fn () => serialize($request), 'unset' => function () use ($request) { unset($request->get); }] as $what => $do) {
    try { $do(); echo "$what: done\n"; } catch (Throwable $e) { echo "$what: ", get_class($e), "\n"; }
}
foreach (['swoole_http_server' => 'Server', 'swoole_http_request' => 'Request', 'swoole_http_response' => 'Response'] as $old => $new) {
    echo (new ReflectionClass($old))->getName(), "\n";
}
echo Swoole\Http\Status::NOT_FOUND, ' ', Swoole\Http\Status::getReasonPhrase(404), ' ', count(Swoole\Http\Status::getReasonPhrases()), ' ', Swoole\Http\Status::getReasonPhrase(999), "\n";
?>
--EXPECT--
{"method":"GET","uri":"/a%20b","path":"/a b","header":{"x-a":["1","2"],"123":"n"},"get":{"x":{"0":"1","k":["2"]},"y_z":"A"},"cookie":{"c":"1","d":"B+","e":["3"],"f":"4"},"post":null,"files":[],"uploaded":[],"raw":0,"local":["127.0.0.1","127.0.0.1",true]}
{"method":"POST","uri":"/form","path":"/form","header":[],"get":null,"cookie":null,"post":{"a":"1","b":{"c":"2","d":["3"]}},"files":[],"uploaded":[],"raw":19,"local":["127.0.0.1","127.0.0.1",true]}
{"method":"PUT","uri":"/json","path":"/json","header":[],"get":null,"cookie":null,"post":null,"files":[],"uploaded":[],"raw":7,"local":["127.0.0.1","127.0.0.1",true]}
{"method":"POST","uri":"/up","path":"/up","header":[],"get":null,"cookie":null,"post":{"field":{"x":"v"}},"files":{"f":["a.txt","text/plain",9,0,"one\r\n--Bx"],"g":2,"h":["","",0,4,""],"long":["l","",0,1,""]},"uploaded":[true,true,true],"raw":478,"local":["127.0.0.1","127.0.0.1",true]}
{"a":"1","b":"2"}
HTTP/1.1 400 Bad Request
files left: 0
{"method":"GET","uri":"/a%20b","path":"/a b","header":{"x-a":["1","2"],"123":"n"},"get":{"x":{"0":"1","k":["2"]},"y_z":"A"},"cookie":{"c":"1","d":"B+","e":["3"],"f":"4"},"post":null,"files":[],"uploaded":[],"raw":0,"local":["127.0.0.1","127.0.0.1",true]}
{"method":"POST","uri":"/form","path":"/form","header":[],"get":null,"cookie":null,"post":{"a":"1","b":{"c":"2","d":["3"]}},"files":[],"uploaded":[],"raw":19,"local":["127.0.0.1","127.0.0.1",true]}
{"method":"PUT","uri":"/json","path":"/json","header":[],"get":null,"cookie":null,"post":null,"files":[],"uploaded":[],"raw":7,"local":["127.0.0.1","127.0.0.1",true]}
{"method":"POST","uri":"/up","path":"/up","header":[],"get":null,"cookie":null,"post":{"field":{"x":"v"}},"files":{"f":["a.txt","text/plain",9,0,"one\r\n--Bx"],"g":2,"h":["","",0,4,""],"long":["l","",0,1,""]},"uploaded":[true,true,true],"raw":478,"local":["127.0.0.1","127.0.0.1",true]}
{"a":"1","b":"2"}
HTTP/1.1 400 Bad Request
files left: 0
14 false, 30 false, 2 true, abc /p {"q":"1"}
clone: Error
serialize: Exception
unset: Error
Swoole\Http\Server
Swoole\Http\Request
Swoole\Http\Response
404 Not Found 61 Unknown
