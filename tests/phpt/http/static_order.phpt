--TEST--
Static files in process mode need no worker, keep the order of responses, and tolerate replaced folders
--EXTENSIONS--
swoole
pcntl
posix
--FILE--
<?php
require __DIR__ . '/../inc/http.inc';
foreach ([SWOOLE_BASE, SWOOLE_PROCESS] as $mode) {
    $root = sys_get_temp_dir() . '/order' . getmypid() . $mode;
    mkdir($root);
    mkdir("$root/doc");
    file_put_contents("$root/doc/a.txt", 'file');
    file_put_contents("$root/doc/odd.odd", 'odd');
    file_put_contents("$root/doc/big.bin", str_repeat('0123456789abcdef', 1 << 18));
    posix_mkfifo("$root/doc/fifo.txt", 0600);
    symlink('a.txt', "$root/doc/link.html");
    $handler = function ($request, $response) {
        global $server, $kept;
        switch ($request->server['request_uri']) {
            case '/block': usleep(600000); return $response->end('blocked');
            case '/sleep': Swoole\Coroutine::sleep(0.03); return $response->end('slept');
            case '/parts': $response->write('pa'); Swoole\Coroutine::sleep(0.02); $response->write('rt'); return $response->end('s');
            case '/sent': return $response->sendfile(__FILE__, 2, 3);
            case '/stats': return $response->end((string) $server->stats()['worker_request_count']);
            case '/detached':
                $kept = $response->fd;
                $response->detach();
                return Swoole\Timer::after(30, fn () => Swoole\Http\Response::create($kept)->end('detached'));
            default: $response->end('handler');
        }
    };
    http_serve(['document_root' => "$root/doc", 'enable_static_handler' => true], $handler, function () use ($root) {
        $ask = fn (string ...$paths) => implode('', array_map(fn ($path) => "GET /$path HTTP/1.1\r\nHost: a\r\n\r\n", $paths));
        $bodies = function ($s, int $count) {
            for ($all = []; $count--; $all[] = http_answer($s)[2]);
            return implode(', ', $all) . "\n";
        };
        // All at once, in pieces of any size, repeatedly.
        $lines = ['sleep', 'a.txt', 'parts', 'a.txt', 'a.txt', 'sent', 'a.txt', 'none', 'a.txt'];
        foreach ([10000, 40, 7] as $size) {
            $s = http_dial();
            foreach (str_split($ask(...$lines), $size) as $piece) {
                fwrite($s, $piece);
                $size === 7 && usleep(300);
            }
            echo $bodies($s, count($lines));
        }
        for ($i = 0, $s = http_dial(); $i < 300; $i++) {
            fwrite($s, $ask('none', 'a.txt', 'sent', 'a.txt'));
            $said = $bodies($s, 4);
            if ($said !== "handler, file, php, file\n") {
                exit("round $i: $said");
            }
        }
        // Responses sent by another process arrive in the order in which they are sent.
        fwrite($s = http_dial(), $ask('detached'));
        echo $bodies($s, 1);
        fwrite($s, $ask('sleep', 'a.txt'));
        echo $bodies($s, 2);
        // A worker that does not return to its loop.
        fwrite($slow = http_dial(), $ask('block'));
        usleep(100000);
        fwrite($s = http_dial(), $ask('a.txt'));
        [$answered, $write, $except] = [[$slow, $s], null, null];
        stream_select($answered, $write, $except, 10);
        echo array_values($answered) === [$s] ? 'the file comes first' : 'the file waits for the worker', ': ', $bodies($s, 1);
        echo $bodies($slow, 1);
        // A peer that does not read: later responses wait, and the announced one arrives complete.
        fwrite($s = http_dial(), $ask('big.bin', 'a.txt', 'big.bin', 'none', 'a.txt'));
        usleep(50000);
        for ($all = []; count($all) < 5; $all[] = substr(md5(http_answer($s)[2]), 0, 4));
        echo count(array_unique($all)), ' ', implode(' ', $all), "\n";
        foreach (['HTTP/1.0', "HTTP/1.1\r\nHost: a\r\nConnection: close"] as $end) {
            fwrite($s = http_dial(), "GET /a.txt $end\r\n\r\n" . $ask('a.txt'));
            echo $bodies($s, 1), var_export(fgets($s), true), "\n";
        }
        echo http_ask('GET /fifo.txt HTTP/1.1')[2], ', ', http_ask('GET /odd.odd HTTP/1.1')[2], ', ', implode(' ', array_intersect_key(http_ask('GET /link.html HTTP/1.1')[1], ['content-type' => 0])), "\n";
        rename("$root/doc", "$root/old");
        echo http_ask('GET /a.txt HTTP/1.1')[2], ', ';
        mkdir("$root/doc");
        file_put_contents("$root/doc/a.txt", 'new file');
        echo http_ask('GET /a.txt HTTP/1.1')[2], "\n";
        $before = http_ask('GET /stats HTTP/1.1')[2];
        for ($i = 0, $s = http_dial(); $i < 20; $i++) {
            fwrite($s, $ask('a.txt'));
            http_answer($s);
        }
        // While a worker owes another connection a response, the first file of this one is requested from it.
        echo http_ask('GET /stats HTTP/1.1')[2] - $before < 10 ? 'the reactor sends them' : 'the worker sends them', "\n";
    }, $mode, fn ($it) => $GLOBALS["server"] = $it);
    exec('rm -r ' . escapeshellarg($root));
}
// Workers with fewer rights than the master: files that they may not read are not sent.
$root = sys_get_temp_dir() . '/rights' . getmypid();
mkdir($root);
file_put_contents("$root/open.txt", 'file');
file_put_contents("$root/closed.txt", 'secret');
chmod("$root/closed.txt", posix_geteuid() ? 0 : 0600);
http_serve(['document_root' => $root, 'enable_static_handler' => true] + (posix_geteuid() ? [] : ['user' => 'nobody']), fn ($q, $r) => $r->end('handler'), function () {
    echo http_ask('GET /open.txt HTTP/1.1')[2], ' ', http_ask('GET /closed.txt HTTP/1.1')[2], "\n";
}, SWOOLE_PROCESS);
exec('rm -r ' . escapeshellarg($root));
?>
--EXPECT--
slept, file, parts, file, file, php, file, handler, file
slept, file, parts, file, file, php, file, handler, file
slept, file, parts, file, file, php, file, handler, file
detached
slept, file
the file waits for the worker: file
blocked
3 e230 8c7d e230 c1cb 8c7d
file
false
file
false
handler, odd, text/html
handler, new file
the worker sends them
slept, file, parts, file, file, php, file, handler, file
slept, file, parts, file, file, php, file, handler, file
slept, file, parts, file, file, php, file, handler, file
detached
slept, file
the file comes first: file
blocked
3 e230 8c7d e230 c1cb 8c7d
file
false
file
false
handler, odd, text/html
handler, new file
the reactor sends them
file handler
