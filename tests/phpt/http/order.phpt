--TEST--
HTTP: responses keep the order of requests, whoever sends them and when; refusals wait for earlier ones
--EXTENSIONS--
swoole
pcntl
posix
--FILE--
<?php
require __DIR__ . '/../inc/http.inc';
foreach ([SWOOLE_BASE, SWOOLE_PROCESS] as $mode) {
    http_serve([], function ($request, $response) {
        $uri = $request->server['request_uri'];
        switch ($uri) {
            case '/timer': return Swoole\Timer::after(500, fn () => $response->end($uri));
            case '/sleep': Swoole\Coroutine::sleep(0.03); return $response->end($uri);
            case '/parts': $response->write('pa'); Swoole\Coroutine::sleep(0.02); $response->write('rt'); return $response->end('s');
            case '/forgotten': return;
            default: $response->end($uri);
        }
    }, function () {
        $s = http_dial();
        foreach (['timer', 'a', 'sleep', 'b', 'parts', 'forgotten', 'c'] as $path) {
            fwrite($s, "GET /$path HTTP/1.1\r\nHost: a\r\n\r\n");
        }
        fwrite($s, "broken\r\n\r\nGET /never HTTP/1.1\r\nHost: a\r\n\r\n");
        for ($i = 0; $i < 8; $i++) {
            [$status, , $body] = http_answer($s);
            echo substr($status, 9, 3), " $body, ";
        }
        echo var_export(fgets($s), true), "\n";
        // A slow connection does not delay others.
        $slow = http_dial();
        fwrite($slow, "GET /timer HTTP/1.1\r\nHost: a\r\n\r\nGET /a HTTP/1.1\r\nHost: a\r\n\r\n");
        $said = http_ask('GET /quick HTTP/1.1')[2];
        [$answered, $write, $except] = [[$slow], null, null];
        echo $said, stream_select($answered, $write, $except, 0) === 0 ? ' at once' : ' late', ', ', http_answer($slow)[2], ' ', http_answer($slow)[2], "\n";
        // A client that disconnects does not stop the others.
        $gone = http_dial();
        fwrite($gone, "GET /timer HTTP/1.1\r\nHost: a\r\n\r\nGET /a HTTP/1.1\r\nHost: a\r\n\r\n");
        fclose($gone);
        usleep(700000);
        echo http_ask('GET /still HTTP/1.1')[2], "\n";
    }, $mode);
}
?>
--EXPECT--
200 /timer, 200 /a, 200 /sleep, 200 /b, 200 parts, 500 , 200 /c, 400 , false
/quick at once, /timer /a
/still
200 /timer, 200 /a, 200 /sleep, 200 /b, 200 parts, 500 , 200 /c, 400 , false
/quick at once, /timer /a
/still
