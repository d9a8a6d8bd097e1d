--TEST--
HTTP: 10,000 parts with nested names, unlimited nesting, files among them, and parts beyond the limit are handled
--EXTENSIONS--
swoole
pcntl
posix
--INI--
max_input_vars=20000
max_file_uploads=1000
max_multipart_body_parts=20000
--FILE--
<?php
require __DIR__ . '/../inc/http.inc';
function part(string $name, string $data, ?string $file = null): string
{
    return "--B\r\nContent-Disposition: form-data; name=\"$name\"" . ($file === null ? '' : "; filename=\"$file\"") . "\r\n\r\n$data\r\n";
}
$depth = function ($value) {
    for ($n = 0; is_array($value); $n++) {
        $value = reset($value);
    }
    return "$n levels, then " . json_encode($value);
};
$handler = function ($request, $response) use ($depth) {
    $response->end(match ($request->server['request_uri']) {
        '/many' => count($request->post) . ' names, ' . array_sum(array_map(fn ($n) => count($n['x']), $request->post)) . ' values, the last ' . end($request->post)['x'][9],
        '/deep' => $depth($request->post['a'] ?? null),
        '/files' => count($request->files['f']) . ' files of ' . array_sum(array_column($request->files['f'], 'size')) . ' bytes, ' . count(array_filter(array_column($request->files['f'], 'tmp_name'), 'is_file')) . ' there',
        '/more' => (string) count($request->post['v']),
    });
};
mkdir($folder = sys_get_temp_dir() . '/large' . getmypid());
foreach ([SWOOLE_BASE, SWOOLE_PROCESS] as $mode) {
    http_serve(['package_max_length' => 20 << 20, 'upload_tmp_dir' => $folder], $handler, function () use ($folder) {
        $form = function (string $path, string $body) {
            [$status, , $body] = http_ask("POST $path HTTP/1.1\r\nHost: a\r\nContent-Type: multipart/form-data; boundary=B", "$body--B--\r\n");
            echo "$path: ", substr($status, 9, 3), " $body\n";
        };
        $body = '';
        for ($n = 0; $n < 10000; $n++) {
            $body .= part('n' . intdiv($n, 10) . '[x][' . $n % 10 . ']', "v$n");
        }
        $form('/many', $body);
        $form('/deep', part('a' . str_repeat('[b]', 60), 'x'));
        $form('/deep', part('a' . str_repeat('[b]', 5000), 'x'));
        $body = '';
        for ($n = 0; $n < 500; $n++) {
            $body .= part("f[$n]", str_repeat('x', $n), "$n.txt");
        }
        $form('/files', $body);
        $body = '';
        for ($n = 0; $n < 10100; $n++) {
            $body .= part('v[]', '');
        }
        $form('/more', $body);
        // The files were not moved, so they are deleted with their requests.
        clearstatcache();
        echo count(glob("$folder/*")), " files left\n";
    }, $mode);
}
rmdir($folder);
?>
--EXPECT--
/many: 200 1000 names, 10000 values, the last v9999
/deep: 200 60 levels, then "x"
/deep: 200 0 levels, then null
/files: 200 500 files of 124750 bytes, 500 there
/more: 200 10000
0 files left
/many: 200 1000 names, 10000 values, the last v9999
/deep: 200 60 levels, then "x"
/deep: 200 0 levels, then null
/files: 200 500 files of 124750 bytes, 500 there
/more: 200 10000
0 files left