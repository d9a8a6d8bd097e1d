--TEST--
HTTP: requests beyond max_concurrency get 503, those beyond worker_max_concurrency wait
--EXTENSIONS--
swoole
pcntl
posix
--FILE--
<?php
require __DIR__ . '/../inc/http.inc';
function statuses(array $connections): string
{
    $all = array_map(fn ($s) => substr(http_answer($s)[0], 9, 3), $connections);
    sort($all);
    return implode(' ', $all);
}

function ask_on_many(int $count): array
{
    for ($n = 0; $n < $count; $n++) {
        fwrite($all[] = http_dial(), "GET /slow HTTP/1.1\r\nHost: a\r\n\r\n");
    }
    return $all;
}

$handler = function ($request, $response) {
    if ($request->server['request_uri'] === '/slow') {
        Swoole\Coroutine::sleep(0.6);
    }
    $response->end();
};
foreach ([SWOOLE_BASE, SWOOLE_PROCESS] as $mode) {
    http_serve(['max_concurrency' => 3], $handler, function () {
        $all = ask_on_many(5);
        echo 'over all: ', statuses($all), ', then ', substr(http_ask('GET /quick HTTP/1.1')[0], 9, 3), "\n";
        // Requests of one connection are handled one at a time, however many there are.
        $s = http_dial();
        fwrite($s, str_repeat("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n", 4));
        echo 'in order: ', statuses([$s, $s, $s, $s]), "\n";
    }, $mode);
    http_serve(['worker_max_concurrency' => 2, 'max_concurrency' => 4], $handler, function () {
        echo 'some wait: ', statuses(ask_on_many(6)), "\n";
        // The end of a waiting connection does not free another request's slot.
        $all = ask_on_many(4);
        fclose(array_pop($all));
        echo 'one leaves: ', statuses($all), ', then ';
        usleep(900000);
        echo statuses(ask_on_many(4)), "\n";
    }, $mode);
}
?>
--EXPECT--
over all: 200 200 200 503 503, then 200
in order: 200 200 200 200
some wait: 200 200 200 200 503 503
one leaves: 200 200 200, then 200 200 200 200
over all: 200 200 200 503 503, then 200
in order: 200 200 200 200
some wait: 200 200 200 200 503 503
one leaves: 200 200 200, then 200 200 200 200
