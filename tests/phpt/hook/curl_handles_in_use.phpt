--TEST--
A multi handle, and a stream that a transfer writes to, cannot be taken away by another coroutine
--EXTENSIONS--
swoole
curl
pcntl
posix
--FILE--
<?php
use Swoole\Coroutine as Co;

require __DIR__ . '/../inc/http.inc';
http_serve([], fn ($request, $response) => $response->end(str_repeat('x', 1000)), function () {
    fclose(http_dial()); // The server listens.
    Co::set(['hook_flags' => SWOOLE_HOOK_ALL]);
    Co\run(function () {
        $url = "http://127.0.0.1:{$GLOBALS['port']}/";
        $inside = new Co\Channel();
        $leave = new Co\Channel();
        $waits = function ($handle, $data) use ($inside, $leave) {
            $inside->push(true);
            $leave->pop();
            return strlen($data);
        };
        $refused = function (string $name, callable $call) {
            try {
                $call();
                echo "$name: not refused\n";
            } catch (Co\Curl\Exception $e) {
                echo "$name: ", preg_replace('/#\d+/', '#N', $e->getMessage()), "\n";
            }
        };
        $multi = curl_multi_init();
        $handle = curl_init($url);
        curl_setopt($handle, CURLOPT_WRITEFUNCTION, $waits);
        curl_multi_add_handle($multi, $handle);
        $finished = new Co\Channel();
        go(function () use ($multi, $finished) {
            do {
                curl_multi_exec($multi, $running);
                curl_multi_select($multi, 0.1);
            } while ($running);
            echo "all done\n";
            $finished->push(true);
        });
        $inside->pop();
        $refused('close', fn () => curl_multi_close($multi));
        $refused('remove', fn () => curl_multi_remove_handle($multi, $handle));
        $refused('add', fn () => curl_multi_add_handle($multi, curl_init($url)));
        $refused('exec', function () use ($multi) {
            curl_multi_exec($multi, $running);
        });
        $leave->push(true);
        $finished->pop();
        curl_multi_close($multi);

        // The header function waits, the body goes to a file.
        $file = tmpfile();
        $handle = curl_init($url);
        $first = true;
        curl_setopt_array($handle, [CURLOPT_FILE => $file, CURLOPT_HEADERFUNCTION => function ($handle, $line) use ($inside, $leave, &$first) {
            if ($first) {
                $first = false;
                $inside->push(true);
                $leave->pop();
            }
            return strlen($line);
        }]);
        $ended = new Co\Channel();
        go(function () use ($handle, $ended) {
            $ended->push(curl_exec($handle));
        });
        $inside->pop();
        $refused('fclose', fn () => fclose($file));
        $other = tmpfile();
        var_dump(fclose($other));
        $leave->push(true);
        var_dump($ended->pop());
        rewind($file);
        var_dump(strlen(stream_get_contents($file)), fclose($file));
    });
});
?>
--EXPECT--
close: the curl handle is in use: coroutine #N waits for its transfer, coroutine #N needs a handle of its own
remove: the curl handle is in use: coroutine #N waits for its transfer, coroutine #N needs a handle of its own
add: the curl handle is in use: coroutine #N waits for its transfer, coroutine #N needs a handle of its own
exec: the curl handle is in use: coroutine #N waits for its transfer, coroutine #N needs a handle of its own
all done
fclose: the curl handle is in use: coroutine #N waits for its transfer, coroutine #N needs a handle of its own
bool(true)
bool(true)
int(1000)
bool(true)
