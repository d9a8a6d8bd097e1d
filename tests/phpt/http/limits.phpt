--TEST--
HTTP: forms and cookies are bounded as in PHP, a form of files may exceed package_max_length, small rules of requests hold
--EXTENSIONS--
swoole
pcntl
posix
--INI--
max_input_vars=100
max_file_uploads=5
--FILE--
<?php
require __DIR__ . '/../inc/http.inc';
function field(string $name, string $data, ?string $file = null): string
{
    return "--B\r\nContent-Disposition: form-data; name=\"$name\"" . ($file === null ? '' : "; filename=\"$file\"") . "\r\n\r\n$data\r\n";
}
$root = sys_get_temp_dir() . '/limits' . getmypid();
mkdir("$root/ex", 0777, true);
file_put_contents("$root/ex/a.xyz", 'XYZ');
file_put_contents("$root/big", str_repeat('u', 300000));
foreach ([SWOOLE_BASE, SWOOLE_PROCESS] as $mode) {
    $settings = ['http_parse_files' => true, 'package_max_length' => 65536, 'upload_max_filesize' => '250k', 'upload_tmp_dir' => $root, 'enable_static_handler' => true, 'document_root' => $root, 'static_handler_locations' => ['/ex']];
    http_serve($settings, function ($request, $response) {
        switch ($request->server['request_uri']) {
            case '/count': return $response->end(count($request->post ?? []) . ' ' . count($request->files ?? []) . ' ' . count($request->cookie ?? []) . ' ' . count($request->get ?? []));
            case '/size': return $response->end(implode(' ', array_map(fn ($f) => "$f[error]:$f[size]", $request->files)));
            case '/nested': return $response->end(json_encode(array_map(fn ($f) => array_keys($f), $request->files)));
            case '/omit': $response->header('Content-Length', ''); $response->header('Content-Encoding', ''); return $response->end();
            case '/status': return $response->end(implode(' ', array_map(fn ($n) => (int) @$response->status($n), [99, 600, 100, 599, 200])));
            default: $response->end('ok');
        }
    }, function () use ($root) {
        $ask = function (string $head, string $body = '') {
            [$status, $fields, $body] = http_ask($head, $body);
            echo substr($status, 9, 3), " $body\n";
            return $fields;
        };
        $form = fn (string $path) => "POST $path HTTP/1.1\r\nHost: a\r\nContent-Type: multipart/form-data; boundary=B";
        for ($fields = '', $n = 0; $n < 150; $n++) {
            $fields .= field("n$n", 'x');
        }
        $ask($form('/count'), "$fields--B--\r\n");
        for ($files = '', $n = 0; $n < 9; $n++) {
            $files .= field("f$n", 'x', 'name');
        }
        $ask($form('/count'), "$files--B--\r\n");
        for ($cookies = '', $n = 0; $n < 150; $n++) {
            $cookies .= "c$n=1; ";
        }
        $ask("GET /count HTTP/1.1\r\nHost: a\r\nCookie: $cookies");
        // Longer than package_max_length: one file fits, the other does not.
        $ask($form('/size'), field('a', str_repeat('u', 200000), 'a') . field('b', str_repeat('u', 300000), 'b') . "--B--\r\n");
        // Fields are bounded as ever, and so is any other body.
        $ask($form('/size'), field('a', str_repeat('u', 200000)) . "--B--\r\n");
        $ask("POST /size HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain", str_repeat('u', 200000));
        $ask($form('/nested'), field('form[group][x]', 'x', 'x') . "--B--\r\n");
        echo shell_exec("curl -s -F 'a=@$root/ex/a.xyz' -F 'b=@$root/big' http://127.0.0.1:{$GLOBALS['port']}/size"), " by curl\n";
        $type = $ask("GET /ex/a.xyz HTTP/1.1\r\nHost: a");
        echo $type['content-type'], "\n";
        fwrite($s = http_dial(), "GET /omit HTTP/1.1\r\nHost: a\r\n\r\n");
        for ($head = ''; trim($line = fgets($s)) !== ''; $head .= $line);
        echo str_contains($head, 'Content-') && preg_match('/Content-(Length|Encoding)/', $head) ? 'sent' : 'omitted', "\n";
        $ask("GET /status HTTP/1.1\r\nHost: a");
        $ask('GET /?' . str_repeat('x', 40000) . " HTTP/1.1\r\nHost: a");
        foreach (["GET / HTTP/1.1", "GET / HTTP/1.1\r\nHost:", "CONNECT a:80 HTTP/1.1\r\nHost: a", 'GET / HTTP/1.0'] as $head) {
            fwrite($s = http_dial(), "$head\r\nConnection: close\r\n\r\n");
            echo substr(http_answer($s)[0], 9, 3), "\n";
        }
    }, $mode);
}
http_serve(['http_require_host' => false], fn ($request, $response) => $response->end('ok'), function () {
    fwrite($s = http_dial(), "GET / HTTP/1.1\r\nConnection: close\r\n\r\n");
    echo http_answer($s)[2], "\n";
});
shell_exec("rm -r $root");
?>
--EXPECT--
200 100 0 0 0
200 0 5 0 0
200 0 0 100 0
200 0:200000 1:0
413 
413 
200 {"form":["name","type","tmp_name","error","size"]}
0:3 1:0 by curl
200 XYZ
application/octet-stream
omitted
200 0 0 1 1 1
200 ok
400
400
400
200
200 100 0 0 0
200 0 5 0 0
200 0 0 100 0
200 0:200000 1:0
413 
413 
200 {"form":["name","type","tmp_name","error","size"]}
0:3 1:0 by curl
200 XYZ
application/octet-stream
omitted
200 0 0 1 1 1
200 ok
400
400
400
200
ok
