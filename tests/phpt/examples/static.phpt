--TEST--
Example static.php serves a folder, a file and a range, and answers 404
--EXTENSIONS--
swoole
posix
pcntl
--FILE--
<?php
require __DIR__ . '/../inc/example.inc';
require __DIR__ . '/../inc/http.inc';
mkdir($folder = sys_get_temp_dir() . '/static_example' . getmypid());
file_put_contents("$folder/a.txt", 'a file');
$server = Example::start('static', $folder);
$port = $server->ports[0];
echo preg_match('~<a href="/a.txt">~', http_ask('GET / HTTP/1.1')[2]), "\n";
echo http_ask('GET /a.txt HTTP/1.1')[2], "\n";
echo http_ask("GET /a.txt HTTP/1.1\r\nHost: a\r\nRange: bytes=2-")[2], "\n";
[$status, , $body] = http_ask('GET /b.txt HTTP/1.1');
echo "$status $body";
echo 'status ', $server->stop(), "\n";
unlink("$folder/a.txt");
rmdir($folder);
?>
--EXPECT--
1
a file
file
HTTP/1.1 404 Not Found There is no /b.txt
status 0
