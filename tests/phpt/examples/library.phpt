--TEST--
Examples of the library: arrays, strings and proxies
--EXTENSIONS--
swoole
mbstring
--FILE--
<?php
require __DIR__ . '/../inc/example.inc';
Example::$more = ['mbstring'];
$example = Example::run('library');
$example->end();
echo $example->printed();
?>
--EXPECT--
The Quick Brown Fox
brown, quick
Grü of 5 letters
DEMO has 4 workers
no port is set, it is 9000
1 March 2025, 6, 2 calls
