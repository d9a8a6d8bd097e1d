--TEST--
curl_exec and curl_multi let other coroutines run, with every kind of callback, upload, error and shared handle
--EXTENSIONS--
swoole
--SKIPIF--
<?php require __DIR__ . '/../inc/components.inc'; need_components('curl'); ?>
--FILE--
<?php
use Swoole\Coroutine as Co;

/** Answers in one process with its clients, and some only once so many requests wait: a transfer that blocks would never end. */
function with_server(callable $client): void
{
    Co\run(function () use ($client) {
        $server = new Co\Http\Server('127.0.0.1', 0);
        $gates = $waiting = [];
        $server->handle('/', function ($request, $response) use (&$gates, &$waiting) {
            $path = $request->server['request_uri'];
            if (preg_match('~^/gate/(\w+)/(\d+)~', $path, $m)) {
                $gate = $gates[$m[1]] ??= new Co\Channel();
                $waiting[$m[1]] = ($waiting[$m[1]] ?? 0) + 1;
                $waiting[$m[1]] < $m[2] ? $gate->pop() : $gate->close();
            } elseif ($path === '/never') {
                ($gates['never'] ??= new Co\Channel())->pop();
            } elseif ($path === '/echo') {
                return $response->end(json_encode([$request->server['request_method'], $request->post ?? $request->getContent(), array_map(fn ($f) => [$f['name'], $f['type'], file_get_contents($f['tmp_name'])], $request->files ?? []), $request->cookie]));
            } elseif ($path === '/large') {
                return $response->end(str_repeat('0123456789', 100_000));
            } elseif ($path === '/cookie') {
                $response->cookie('taste', 'sweet');
            } elseif ($path === '/moved') {
                return $response->redirect('/after', 302);
            }
            $response->header('X-Path', $path);
            $response->end("answer to $path from " . $request->server['remote_port']);
        });
        go(fn () => $server->start());
        $client("http://127.0.0.1:$server->port");
        $gates['never']->close();
        $server->shutdown();
    });
}
function handle(string $url, array $options = []): CurlHandle
{
    $c = curl_init($url);
    curl_setopt_array($c, [CURLOPT_RETURNTRANSFER => true, CURLOPT_TIMEOUT => 20] + $options);
    return $c;
}
/** Runs all of them at once; returns the results. */
function all(callable ...$work): array
{
    $group = new Co\WaitGroup();
    $results = [];
    foreach ($work as $key => $one) {
        $group->add();
        $results[$key] = null;
        go(function () use ($key, $one, $group, &$results) {
            try {
                $results[$key] = $one();
            } catch (Throwable $e) {
                $results[$key] = get_class($e);
            } finally {
                $group->done();
            }
        });
    }
    $group->wait();
    return $results;
}
$short = fn ($text) => is_string($text) ? preg_replace('/ from \d+/', '', $text) : json_encode($text);

with_server(function (string $url) use ($short) {
    $all = all(...array_map(fn ($i) => fn () => curl_exec(handle("$url/gate/one/20")), range(1, 20)));
    echo count(array_unique($all)), ' connections of 20 at once: ', $short($all[0]), "\n";

    echo "Callbacks may wait, in the order in which they are called\n";
    $seen = [];
    $wait = function (string $name) use (&$seen) { if (end($seen) !== $name) $seen[] = $name; Co::sleep(0.001); };
    $upload = 'the body';
    [$mine, $other] = all(function () use ($url, $wait, &$upload) {
        $body = '';
        $c = handle("$url/echo", [
            CURLOPT_UPLOAD => true, CURLOPT_INFILESIZE => 8, CURLOPT_HTTPHEADER => ['Expect: 100-continue'], CURLOPT_NOPROGRESS => false, CURLOPT_VERBOSE => false,
            CURLOPT_READFUNCTION => function ($c, $f, $n) use ($wait, &$upload) { $wait('read'); $part = substr($upload, 0, 4); $upload = substr($upload, 4); return $part; },
            CURLOPT_HEADERFUNCTION => function ($c, $line) use ($wait) { $wait('header'); return strlen($line); },
            CURLOPT_WRITEFUNCTION => function ($c, $part) use ($wait, &$body) { $wait('write'); $body .= $part; return strlen($part); },
            CURLOPT_XFERINFOFUNCTION => function () { Co::sleep(0.001); return 0; },
        ]);
        return [curl_exec($c), $body, curl_getinfo($c, CURLINFO_RESPONSE_CODE)];
    }, fn () => curl_exec(handle("$url/other")));
    echo json_encode([$mine, $seen]), ' ', $short($other), "\n";
    [$thrown, $stopped] = all(
        fn () => curl_exec(handle("$url/x", [CURLOPT_WRITEFUNCTION => fn () => throw new DomainException()])),
        function () use ($url) { $c = handle("$url/never", [CURLOPT_NOPROGRESS => false, CURLOPT_PROGRESSFUNCTION => fn () => 1]); return [curl_exec($c), curl_errno($c)]; },
    );
    echo $thrown, ' ', json_encode($stopped), "\n";

    echo "Files and forms\n";
    $dir = sys_get_temp_dir() . '/curl' . getmypid();
    file_put_contents("$dir.in", 'from a file');
    $out = fopen("$dir.out", 'w+');
    $put = handle("$url/echo", [CURLOPT_UPLOAD => true, CURLOPT_INFILE => fopen("$dir.in", 'r'), CURLOPT_INFILESIZE => 11, CURLOPT_FILE => $out]);
    $form = handle("$url/echo", [CURLOPT_POSTFIELDS => ['a' => 'b', 'f' => new CURLFile("$dir.in", 'text/x', 'name.txt'), 's' => new CURLStringFile('in memory', 's.txt')]]);
    $results = all(fn () => curl_exec($put), fn () => curl_exec($form), fn () => strlen(curl_exec(handle("$url/large"))));
    rewind($out);
    echo json_encode([$results[0], stream_get_contents($out), json_decode($results[1]), $results[2]]), "\n";
    array_map('unlink', glob("$dir.*"));

    echo "Errors\n";
    $free = stream_socket_server('tcp://127.0.0.1:0');
    $nobody = stream_socket_get_name($free, false);
    fclose($free);
    $fails = fn ($where, $options = []) => function () use ($where, $options) { $c = handle($where, $options); return [curl_exec($c), curl_errno($c), strtr(curl_strerror(curl_errno($c)), ["Couldn't" => 'Could not', 'host name' => 'hostname'])]; };
    foreach (all(refused: $fails("http://$nobody/"), timeout: $fails("$url/never", [CURLOPT_TIMEOUT_MS => 50]), name: $fails('http://no-such-name.invalid/'), scheme: $fails('nothing://x')) as $name => $r) {
        echo "$name ", json_encode($r), "\n";
    }

    echo "A handle keeps its connection, follows redirects and keeps cookies\n";
    $c = handle("$url/first", [CURLOPT_COOKIEFILE => '', CURLOPT_FOLLOWLOCATION => true]);
    $first = curl_exec($c);
    curl_setopt($c, CURLOPT_URL, "$url/cookie");
    $second = curl_exec($c);
    curl_setopt($c, CURLOPT_URL, "$url/moved");
    $third = curl_exec($c);
    echo json_encode(array_map(fn ($t) => strrchr($t, ' ') === strrchr($first, ' '), [$second, $third])), ' ', $short($third), ' ', curl_getinfo($c, CURLINFO_REDIRECT_COUNT), "\n";
    curl_setopt($c, CURLOPT_URL, "$url/echo");
    echo json_encode(json_decode(curl_exec(curl_copy_handle($c)))[0]), "\n";
    $share = curl_share_init();
    curl_share_setopt($share, CURLSHOPT_SHARE, CURL_LOCK_DATA_COOKIE);
    curl_share_setopt($share, CURLSHOPT_SHARE, CURL_LOCK_DATA_DNS);
    $shared = fn ($path) => handle("$url$path", [CURLOPT_SHARE => $share, CURLOPT_COOKIEFILE => '']);
    curl_exec($shared('/cookie'));
    echo json_encode(all(...array_map(fn ($i) => fn () => json_decode(curl_exec($shared('/echo')))[3]->taste, range(1, 3)))), "\n";

    echo "One handle in two coroutines, and a cancelled transfer\n";
    $c = handle("$url/never");
    $id = go(function () use ($c) { $r = curl_exec($c); echo json_encode([$r, curl_errno($c), curl_error($c) !== '', Co::isCanceled()]), "\n"; });
    foreach ([fn () => curl_exec($c), fn () => curl_setopt($c, CURLOPT_URL, 'x'), fn () => curl_reset($c)] as $use) {
        try {
            $use();
        } catch (Co\Curl\Exception $e) {
            echo preg_replace('~#\d+~', '#N', $e->getMessage()), "\n";
        }
    }
    var_dump(Co::cancel($id));
    curl_setopt($c, CURLOPT_URL, "$url/afterwards");
    echo $short(curl_exec($c)), ' ', curl_errno($c), "\n";

    echo "curl_multi\n";
    $others = 0;
    $ticker = go(function () use (&$others) { while (Co::sleep(0.001)) $others++; });
    $m = curl_multi_init();
    for ($i = 0; $i < 5; $i++) curl_multi_add_handle($m, $handles[] = handle("$url/gate/multi/5"));
    do {
        $code = curl_multi_exec($m, $running);
        if ($running) curl_multi_select($m, 10);
    } while ($running && $code === CURLM_OK);
    $done = 0;
    while ($info = curl_multi_info_read($m)) $done += $info['result'] === CURLE_OK;
    echo "$done done, ", $short(curl_multi_getcontent($handles[4])), ', others ran ', json_encode($others > 0), "\n";
    Co::cancel($ticker);

    echo "Without the hook\n";
    Swoole\Runtime::setHookFlags(SWOOLE_HOOK_ALL ^ SWOOLE_HOOK_NATIVE_CURL);
    $c = handle("http://$nobody/");
    echo json_encode([get_class($c), curl_exec($c), curl_errno($c)]), "\n";
    Swoole\Runtime::setHookFlags(SWOOLE_HOOK_ALL);
});
?>
--EXPECT--
20 connections of 20 at once: answer to /gate/one/20
Callbacks may wait, in the order in which they are called
[[true,"[\"PUT\",\"the body\",[],null]",200],["header","read","header","write"]] answer to /other
DomainException [false,42]
Files and forms
[true,"[\"PUT\",\"from a file\",[],null]",["POST",{"a":"b"},{"f":["name.txt","text\/x","from a file"],"s":["s.txt","application\/octet-stream","in memory"]},null],1000000]
Errors
refused [false,7,"Could not connect to server"]
timeout [false,28,"Timeout was reached"]
name [false,6,"Could not resolve hostname"]
scheme [false,1,"Unsupported protocol"]
A handle keeps its connection, follows redirects and keeps cookies
[true,true] answer to /after 1
"GET"
["sweet","sweet","sweet"]
One handle in two coroutines, and a cancelled transfer
the curl handle is in use: coroutine #N waits for its transfer, coroutine #N needs a handle of its own
the curl handle is in use: coroutine #N waits for its transfer, coroutine #N needs a handle of its own
the curl handle is in use: coroutine #N waits for its transfer, coroutine #N needs a handle of its own
[false,42,true,true]
bool(true)
answer to /afterwards 0
curl_multi
5 done, answer to /gate/multi/5, others ran true
Without the hook
["CurlHandle",false,7]
