--TEST--
Example realtime_stats/server.php serves the page, and its figures follow the requests
--EXTENSIONS--
swoole
posix
pcntl
--FILE--
<?php
require __DIR__ . '/../inc/example.inc';
require __DIR__ . '/../inc/http.inc';
$server = Example::start('realtime_stats/server');
$port = $server->ports[0];
echo str_contains(http_ask('GET / HTTP/1.1')[2], 'new WebSocket(') ? 'page' : '-', "\n";
$viewer = ws_open('/');
$first = json_decode(ws_read($viewer)[1], true);
echo implode(' ', array_keys($first)), "\n";
for ($n = 0; $n < 20; $n++) {
    $work = http_ask('GET /work HTTP/1.1')[2];
}
echo $work;
until(function () use ($viewer, $first, &$now) {
    $now = json_decode(ws_read($viewer)[1], true);
    return $now['requests'] >= $first['requests'] + 20;
});
echo 'more sent ', json_encode($now['sent'] > $first['sent']), ', workers told: ', preg_match('~^[0-2] of 2$~', $now['idle']), "\n";
$two = ws_open('/');
until(fn () => json_decode(ws_read($viewer)[1], true)['connections'] === 2);
echo 'both see ', json_decode(ws_read($two)[1], true)['connections'], "\n";
echo 'status ', $server->stop(), "\n";
?>
--EXPECT--
page
up connections requests sent idle memory load
done
more sent true, workers told: 1
both see 2
status 0
