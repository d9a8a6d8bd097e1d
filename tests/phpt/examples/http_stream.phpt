--TEST--
Example http_stream.php sends parts one by one, and two clients do not wait for one another
--EXTENSIONS--
swoole
posix
pcntl
--FILE--
<?php
require __DIR__ . '/../inc/example.inc';
require __DIR__ . '/../inc/http.inc';
$server = Example::start('http_stream');
$clients = [$server->connect()->stream, $server->connect()->stream];
$begun = microtime(true);
foreach ($clients as $client) {
    fwrite($client, "GET /?count=12 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
}
while (trim(fgets($clients[0])) !== '') {
}
// Each part is sent when it is written, a tenth of a second after the one before.
echo fgets($clients[0]), fgets($clients[0]), microtime(true) - $begun < 1 ? '' : "late\n";
preg_match_all('~part \d+|done~', stream_get_contents($clients[0]), $parts);
echo implode(', ', $parts[0]), "\n", substr_count(http_answer($clients[1])[2], "\n"), " lines\n";
echo microtime(true) - $begun < 2.2 ? "together\n" : "one after the other\n";
echo 'status ', $server->stop(), "\n";
?>
--EXPECT--
d
part 1 of 12
part 2, part 3, part 4, part 5, part 6, part 7, part 8, part 9, part 10, part 11, part 12, done
13 lines
together
status 0
