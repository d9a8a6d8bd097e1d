--TEST--
Example http_stream.php: parts arrive one by one, and two clients do not wait for one another
--EXTENSIONS--
swoole
posix
pcntl
--FILE--
<?php
require __DIR__ . '/inc/example.php';
require __DIR__ . '/inc/http.inc';
$server = Example::start('http_stream');
$clients = [$server->connect()->stream, $server->connect()->stream];
$begun = microtime(true);
foreach ($clients as $client) {
    fwrite($client, "GET /?count=4 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
}
while (trim(fgets($clients[0])) !== '') {
}
fgets($clients[0]);
echo fgets($clients[0]), microtime(true) - $begun < 0.35 ? '' : "late\n";
echo stream_get_contents($clients[0]);
echo http_answer($clients[1])[2];
echo microtime(true) - $begun < 0.75 ? "together\n" : "one after the other\n";
echo 'status ', $server->stop(), "\n";
?>
--EXPECT--
part 1 of 4

c
part 2 of 4

c
part 3 of 4

c
part 4 of 4

5
done

0

part 1 of 4
part 2 of 4
part 3 of 4
part 4 of 4
done
together
status 0
