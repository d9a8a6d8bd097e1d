--TEST--
Example http2_client.php sends requests together, reads a response in parts and writes a request in parts
--EXTENSIONS--
swoole
--FILE--
<?php
require __DIR__ . '/../inc/example.inc';
$example = Example::run('http2_client');
echo 'status ', $example->end(), "\n", $example->printed();
?>
--EXPECT--
status 0
1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20
concurrently
1000000 bytes in parts
500000 bytes received
