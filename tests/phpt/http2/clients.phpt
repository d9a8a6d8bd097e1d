--TEST--
HTTP/2 servers answer curl, nghttp and clients of HTTP/1.1 on one port, with bodies, trailers, cookies and early hints
--SKIPIF--
<?php
foreach (['curl', 'nghttp', 'h2load'] as $tool) {
    if (!shell_exec("command -v $tool")) die("skip needs $tool");
}
if (!str_contains(shell_exec('curl --version'), 'HTTP2')) die('skip needs a curl with HTTP/2');
?>
--EXTENSIONS--
swoole
pcntl
posix
--FILE--
<?php
require __DIR__ . '/../inc/http.inc';
function answer($request, $response): void
{
    switch ($request->server['request_uri']) {
        case '/seen':
            ksort($request->header);
            unset($request->header['user-agent'], $request->header['accept'], $request->header['accept-encoding']);
            $request->header['host'] = 'host';
            $response->end(json_encode([$request->server['server_protocol'], $request->streamId, $request->header, $request->cookie, $request->get, $request->post, strlen($request->rawContent())]));
            break;
        case '/hints':
            $response->earlyHints(['Link' => '</a.css>']);
            $response->header('Connection', 'close');
            $response->cookie('a', 'b');
            $response->end('hinted');
            break;
        case '/trailer':
            $response->trailer('Sum', '42');
            $response->end('with a trailer');
            break;
        case '/parts':
            $response->trailer('parts', '3');
            foreach (['one ', 'two ', 'three'] as $part) {
                $response->write($part);
            }
            $response->end();
            break;
        case '/upload':
            $response->end(md5($request->rawContent()));
            break;
        case '/download':
            $response->end(str_repeat('download ', 400000));
            break;
        default:
            $response->status(404);
            $response->end('nothing');
    }
}
function curl(string $more): string
{
    $text = shell_exec("curl -s -i --max-time 20 $more");
    return preg_replace('~^(date|server|content-type): .*\r\n~mi', '', $text);
}
function clients(): void
{
    fclose(http_dial());
    $url = "http://127.0.0.1:{$GLOBALS['port']}";
    foreach (['--http2-prior-knowledge', '--http2', '--http1.1'] as $version) {
        echo "$version\n";
        echo str_replace("\r\n", '|', curl("$version '$url/seen?q=1' -H 'Cookie: a=1; b=2'")), "\n";
        if ($version !== '--http2') { // curl repeats the upgrade of a request with a body by HTTP/1.1
            echo str_replace("\r\n", '|', curl("$version '$url/seen' -d 'f=1&g=2'")), "\n";
        }
        echo str_replace("\r\n", '|', curl("$version $url/parts")), "\n";
        echo str_replace("\r\n", '|', curl("$version $url/none -I")), "\n";
    }
    echo str_replace("\r\n", '|', curl("--http2-prior-knowledge $url/hints")), "\n";
    file_put_contents($file = tempnam(sys_get_temp_dir(), 'up'), $data = random_bytes(1500000));
    foreach (["-H 'Expect:' --data-binary @$file", "-H 'Expect:' -H 'Content-Length:' -X POST -T $file"] as $how) {
        echo 'upload ', json_encode(md5($data) === shell_exec("curl -s --max-time 20 --http2-prior-knowledge $how $url/upload")), "\n";
    }
    unlink($file);
    echo 'download ', strlen(shell_exec("curl -s --max-time 20 --http2-prior-knowledge $url/download")), "\n";
    $cookies = "-H 'cookie: a=1' -H 'cookie: b=2' -H 'cookie: c=3'";
    echo 'nghttp ', json_encode(json_decode(shell_exec("nghttp $cookies $url/seen"))[3]), "\n";
    preg_match_all('~\) (content-length|sum): (\d+)~', shell_exec("nghttp -v $url/trailer"), $fields);
    echo 'trailer ', implode(' ', $fields[2]), "\n";
    preg_match('~requests: .*~', shell_exec("h2load -n 500 -c 3 -m 20 $url/seen 2>&1"), $line);
    echo "h2load $line[0]\n";
}
foreach ([SWOOLE_BASE, SWOOLE_PROCESS] as $mode) {
    http_serve(['open_http2_protocol' => true, 'package_max_length' => 8 << 20], 'answer', 'clients', $mode);
}
?>
--EXPECT--
--http2-prior-knowledge
HTTP/2 200 |content-length: 64||["HTTP\/2",1,{"host":"host"},{"a":"1","b":"2"},{"q":"1"},null,0]
HTTP/2 200 |content-length: 132||["HTTP\/2",1,{"content-length":"7","content-type":"application\/x-www-form-urlencoded","host":"host"},null,null,{"f":"1","g":"2"},7]
HTTP/2 200 ||one two threeparts: 3|
HTTP/2 404 |content-length: 7||
--http2
HTTP/1.1 101 Switching Protocols|Connection: Upgrade|Upgrade: h2c||HTTP/2 200 |content-length: 64||["HTTP\/2",1,{"host":"host"},{"a":"1","b":"2"},{"q":"1"},null,0]
HTTP/1.1 101 Switching Protocols|Connection: Upgrade|Upgrade: h2c||HTTP/2 200 ||one two threeparts: 3|
HTTP/1.1 101 Switching Protocols|Connection: Upgrade|Upgrade: h2c||HTTP/2 404 |content-length: 7||
--http1.1
HTTP/1.1 200 OK|Connection: keep-alive|Content-Length: 66||["HTTP\/1.1",0,{"host":"host"},{"a":"1","b":"2"},{"q":"1"},null,0]
HTTP/1.1 200 OK|Connection: keep-alive|Content-Length: 134||["HTTP\/1.1",0,{"content-length":"7","content-type":"application\/x-www-form-urlencoded","host":"host"},null,null,{"f":"1","g":"2"},7]
HTTP/1.1 200 OK|Connection: keep-alive|Transfer-Encoding: chunked||one two threeparts: 3|
HTTP/1.1 404 Not Found|Connection: keep-alive|Content-Length: 7||
HTTP/2 103 |link: </a.css>||HTTP/2 200 |set-cookie: a=b|content-length: 6||hinted
upload true
upload true
download 3600000
nghttp {"a":"1","b":"2","c":"3"}
trailer 14 42
h2load requests: 500 total, 500 started, 500 done, 500 succeeded, 0 failed, 0 errored, 0 timeout
--http2-prior-knowledge
HTTP/2 200 |content-length: 64||["HTTP\/2",1,{"host":"host"},{"a":"1","b":"2"},{"q":"1"},null,0]
HTTP/2 200 |content-length: 132||["HTTP\/2",1,{"content-length":"7","content-type":"application\/x-www-form-urlencoded","host":"host"},null,null,{"f":"1","g":"2"},7]
HTTP/2 200 ||one two threeparts: 3|
HTTP/2 404 |content-length: 7||
--http2
HTTP/1.1 101 Switching Protocols|Connection: Upgrade|Upgrade: h2c||HTTP/2 200 |content-length: 64||["HTTP\/2",1,{"host":"host"},{"a":"1","b":"2"},{"q":"1"},null,0]
HTTP/1.1 101 Switching Protocols|Connection: Upgrade|Upgrade: h2c||HTTP/2 200 ||one two threeparts: 3|
HTTP/1.1 101 Switching Protocols|Connection: Upgrade|Upgrade: h2c||HTTP/2 404 |content-length: 7||
--http1.1
HTTP/1.1 200 OK|Connection: keep-alive|Content-Length: 66||["HTTP\/1.1",0,{"host":"host"},{"a":"1","b":"2"},{"q":"1"},null,0]
HTTP/1.1 200 OK|Connection: keep-alive|Content-Length: 134||["HTTP\/1.1",0,{"content-length":"7","content-type":"application\/x-www-form-urlencoded","host":"host"},null,null,{"f":"1","g":"2"},7]
HTTP/1.1 200 OK|Connection: keep-alive|Transfer-Encoding: chunked||one two threeparts: 3|
HTTP/1.1 404 Not Found|Connection: keep-alive|Content-Length: 7||
HTTP/2 103 |link: </a.css>||HTTP/2 200 |set-cookie: a=b|content-length: 6||hinted
upload true
upload true
download 3600000
nghttp {"a":"1","b":"2","c":"3"}
trailer 14 42
h2load requests: 500 total, 500 started, 500 done, 500 succeeded, 0 failed, 0 errored, 0 timeout