--TEST--
Examples udp_server.php and udp_client.php exchange datagrams and know their senders
--EXTENSIONS--
swoole
posix
--FILE--
<?php
require __DIR__ . '/../inc/example.inc';
$server = Example::start('udp_server');
$client = Example::run('udp_client', $server->ports[0]);
echo 'status ', $client->end(), "\n", $client->printed();
$server->waitFor('~^8 bytes from 127\.0\.0\.1:\d+$~m');
echo 'status ', $server->stop(), "\n";
?>
--EXPECT--
status 0
hello comes back as olleh
stressed comes back as desserts
drawer comes back as reward
status 0
