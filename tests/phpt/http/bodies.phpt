--TEST--
HTTP: large bodies go through files with bounded memory in all processes, also when uploads are abandoned
--EXTENSIONS--
swoole
pcntl
posix
--FILE--
<?php
require __DIR__ . '/../inc/http.inc';
const MB = 1 << 20;
/** Peak memory of the server's processes, by process. */
function peaks(int $parent): array
{
    $peaks = [];
    foreach ([$parent, ...children($parent)] as $pid) {
        if ($pid !== getmypid() && preg_match('~VmHWM:\s+(\d+)~', (string) @file_get_contents("/proc/$pid/status"), $m)) {
            $peaks[$pid] = (int) $m[1];
        }
    }
    return $peaks;
}
function children(int $pid): array
{
    $own = explode(' ', trim((string) @file_get_contents("/proc/$pid/task/$pid/children")));
    $own = array_filter(array_map('intval', $own), fn ($child) => $child > 0 && $child !== getmypid());
    return array_merge($own, ...array_map(children(...), array_values($own)));
}
/** Sends a request whose body is `$before`, `$megabytes` of a pattern, and `$after`. */
function send_long($s, string $head, string $before, int $megabytes, string $after, bool $chunked = false): void
{
    $length = strlen($before) + $megabytes * MB + strlen($after);
    fwrite($s, "$head\r\nHost: a\r\n" . ($chunked ? "Transfer-Encoding: chunked\r\n\r\n" : "Content-Length: $length\r\n\r\n"));
    foreach ([$before, ...array_fill(0, $megabytes, pattern()), $after] as $piece) {
        if ($piece !== '') {
            fwrite($s, $chunked ? dechex(strlen($piece)) . "\r\n$piece\r\n" : $piece);
        }
    }
    $chunked && fwrite($s, "0\r\n\r\n");
}
function pattern(): string
{
    static $pattern;
    return $pattern ??= str_repeat("\r\n--B\r-\n" . implode('', range('a', 'x')), MB >> 5);
}
function md5_long(int $megabytes): string
{
    $hash = hash_init('md5');
    for ($n = 0; $n < $megabytes; $n++) {
        hash_update($hash, pattern());
    }
    return hash_final($hash);
}
$handler = function ($request, $response) {
    $response->end(match ($request->server['request_uri']) {
        '/form' => json_encode([
            $request->post, $request->files['f']['size'], $request->files['f']['error'], $request->files['f']['name'],
            $request->files['f']['tmp_name'] ? md5_file($request->files['f']['tmp_name']) : null,
            is_uploaded_file($request->files['f']['tmp_name']), $request->tmpfiles === [$request->files['f']['tmp_name']],
        ]),
        '/length' => $request->header['content-length'],
        '/content' => md5($request->rawContent()) . (md5($request->getContent()) === md5($request->rawContent()) ? '' : ' differs'),
        '/data' => strlen($request->getData()) . ' ' . md5(explode("\r\n\r\n", $request->getData(), 2)[1]),
        '/post' => array_key_first($request->post) . ' ' . md5(end($request->post)),
        '/small' => 'small',
    });
};
mkdir($folder = sys_get_temp_dir() . '/bodies' . getmypid());
$settings = ['package_max_length' => 80 * MB, 'upload_tmp_dir' => $folder, 'worker_num' => 2];
foreach (['process' => SWOOLE_PROCESS, 'base' => SWOOLE_BASE] as $name => $mode) {
    echo "$name\n";
    http_serve($settings, $handler, function () use ($folder) {
        $parent = posix_getppid();
        $begin = "--B\r\nContent-Disposition: form-data; name=a[b]\r\n\r\nvalue\r\n--B\r\nContent-Disposition: form-data; name=f; filename=\"x y.bin\"\r\nContent-Type: a/b\r\n\r\n";
        $form = "POST /form HTTP/1.1\r\nContent-Type: multipart/form-data; boundary=B";
        $say = function ($s) {
            $answer = http_answer($s);
            return substr($answer[0], 9, 3) . ' ' . $answer[2];
        };
        // The first requests allocate lasting memory before the measurement.
        send_long($s = http_dial(), $form, $begin, 2, "\r\n--B--\r\n");
        echo $say($s) === '200 [{"a":{"b":"value"}},2097152,0,"x y.bin","' . md5_long(2) . '",true,true]' ? "right\n" : "wrong\n";
        $before = peaks($parent);
        $md5 = md5_long(64);
        send_long($s = http_dial(), $form, $begin, 64, "\r\n--B--\r\n");
        echo $say($s) === '200 [{"a":{"b":"value"}},67108864,0,"x y.bin","' . $md5 . '",true,true]' ? "right\n" : "wrong\n";
        send_long($s, $form, $begin, 64, "\r\n--B--\r\n", true);
        echo $say($s) === '200 [{"a":{"b":"value"}},67108864,0,"x y.bin","' . $md5 . '",true,true]' ? "right in chunks\n" : "wrong\n";
        send_long($s, 'PUT /length HTTP/1.1', '', 64, '');
        echo $say($s) === '200 67108864' ? "discarded\n" : "wrong\n";
        $most = 0;
        foreach (peaks($parent) as $pid => $peak) {
            $most = max($most, $peak - ($before[$pid] ?? PHP_INT_MAX));
        }
        echo count($before) > 1 && $most < 8 * 1024 ? "flat\n" : "$most KB more in a process of " . count($before) . "\n";
        send_long($s, 'POST /content HTTP/1.1', '', 5, '', true);
        echo $say($s) === '200 ' . md5_long(5) ? "content\n" : "wrong content\n";
        send_long($s, 'POST /data HTTP/1.1', '', 5, '');
        echo $say($s) === '200 ' . (5 * MB + strlen("POST /data HTTP/1.1\r\nHost: a\r\nContent-Length: 5242880\r\n\r\n")) . ' ' . md5_long(5) ? "data\n" : "wrong data\n";
        $value = str_repeat('x%20y+', MB);
        fwrite($s, "POST /post HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: " . (strlen($value) + 2) . "\r\n\r\np=$value");
        echo $say($s) === '200 p ' . md5(urldecode($value)) ? "post\n" : "wrong post\n";
        fwrite($s, "GET /small HTTP/1.1\r\nHost: a\r\n\r\n");
        echo $say($s), "\n";
        // Abandoned midway, without leftovers.
        for ($n = 0; $n < 8; $n++) {
            fwrite($left = http_dial(), "$form\r\nContent-Length: 60000000\r\n\r\n$begin" . str_repeat('x', 3 * MB));
            fclose($left);
        }
        fwrite($s, "GET /small HTTP/1.1\r\nHost: a\r\n\r\n");
        echo $say($s), "\n";
        clearstatcache();
        echo count(glob("$folder/*")), " files left\n";
    }, $mode);
}
rmdir($folder);
?>
--EXPECT--
process
right
right
right in chunks
discarded
flat
content
data
post
200 small
200 small
0 files left
base
right
right
right in chunks
discarded
flat
content
data
post
200 small
200 small
0 files left
