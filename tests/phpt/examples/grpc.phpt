--TEST--
Examples grpc_server.php and grpc_client.php make calls of all four kinds
--EXTENSIONS--
swoole
posix
--FILE--
<?php
require __DIR__ . '/../inc/example.inc';
$server = Example::start('grpc_server');
$client = Example::run('grpc_client', $server->ports[0]);
echo 'status ', $client->end(), "\n", $client->printed();
$server->kill();
?>
--EXPECT--
status 0
hello world
INVALID_ARGUMENT: a name is needed, field text
hello number 1, hello number 2, hello number 3, hello number 4, hello number 5
1 2 3 4 5 
many messages one reply
eno owt eerht OK
DEADLINE_EXCEEDED
