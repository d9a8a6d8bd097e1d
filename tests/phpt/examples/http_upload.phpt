--TEST--
Example http_upload.php accepts a form and files, and refuses one that is too long
--EXTENSIONS--
swoole
posix
pcntl
--FILE--
<?php
require __DIR__ . '/../inc/example.inc';
require __DIR__ . '/../inc/http.inc';
$server = Example::start('http_upload');
$port = $server->ports[0];
echo http_ask('GET / HTTP/1.1')[0], "\n";
$part = fn ($disposition, $data) => "--B\r\nContent-Disposition: form-data; $disposition\r\n\r\n$data\r\n";
$large = random_bytes(3_000_000);
$form = $part('name="who"', '<me>') . $part('name="files[]"; filename="a.txt"', 'hello') . $part('name="files[]"; filename="large"', $large) . $part('name="files[]"; filename=""', '') . "--B--\r\n";
$page = http_ask("POST / HTTP/1.1\r\nHost: a\r\nContent-Type: multipart/form-data; boundary=B", $form)[2];
// The page from its heading on.
echo trim(strip_tags(strtr(strstr($page, '<h1>'), [md5('hello') => '(right)', md5($large) => '(right)']))), "\n";
$client = $server->connect()->stream;
fwrite($client, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999\r\n\r\n");
echo http_answer($client)[0], "\n";
echo 'status ', $server->stop(), "\n";
?>
--EXPECT--
HTTP/1.1 200 OK
From &lt;me&gt;

a.txt: 5 bytes, MD5 (right)
large: 3000000 bytes, MD5 (right)
: no file was chosen
HTTP/1.1 413 Payload Too Large
status 0
