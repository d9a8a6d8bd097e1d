--TEST--
swoole_curl_* work on handles that are objects, and let other coroutines run
--EXTENSIONS--
swoole
curl
--FILE--
<?php
use Swoole\Coroutine as Co;
Co\run(function () {
    $server = new Co\Http\Server('127.0.0.1', 0);
    $server->handle('/', function ($request, $response) { Co::sleep(0.05); $response->header('X-Own', 'y'); $response->end($request->getMethod() . ' ' . $request->server['request_uri'] . ' ' . ($request->post['a'] ?? '')); });
    go(fn () => $server->start());
    $ticks = 0;
    go(function () use (&$ticks) { while ($ticks >= 0) { $ticks++; Co::sleep(0.005); } });
    $curl = swoole_curl_init("http://127.0.0.1:$server->port/path");
    echo get_class($curl), ' ', json_encode(swoole_curl_setopt_array($curl, [CURLOPT_RETURNTRANSFER => true, CURLOPT_POSTFIELDS => 'a=b'])), "\n";
    echo json_encode([swoole_curl_exec($curl), swoole_curl_getinfo($curl, CURLINFO_RESPONSE_CODE), swoole_curl_multi_getcontent($curl), swoole_curl_errno($curl), swoole_curl_error($curl)]), "\n";
    echo $ticks > 3 ? "others ran\n" : "it blocked\n";
    $ticks = -100;
    swoole_curl_reset($curl);
    swoole_curl_setopt($curl, CURLOPT_URL, 'http://127.0.0.1:1/');
    echo json_encode([swoole_curl_exec($curl), swoole_curl_errno($curl)]), "\n";
    swoole_curl_close($curl);
    echo json_encode(@swoole_curl_exec($curl)), "\n";
    try {
        swoole_curl_exec(new stdClass);
    } catch (TypeError $e) {
        echo $e->getMessage(), "\n";
    }
    $server->shutdown();
});
?>
--EXPECT--
Swoole\Curl\Handler true
["POST \/path b",200,"POST \/path b",0,""]
others ran
[false,7]
false
swoole_curl_exec(): Argument #1 ($obj) must be of type Swoole\Curl\Handler
