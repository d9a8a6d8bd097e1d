--TEST--
Examples tcp_server.php and tcp_client_socket.php exchange lines and get three events
--EXTENSIONS--
swoole
posix
--FILE--
<?php
require __DIR__ . '/../inc/example.inc';
$server = Example::start('tcp_server');
$client = Example::run('tcp_client_socket', $server->ports[0]);
echo 'status ', $client->end(), "\n", $client->printed();
$server->waitFor('~connection 1 is closed~');
$own = $server->connect();
echo $own->next(), "\n", $own->ask('half'), "\n";
echo 'status ', $server->stop(), "\n";
preg_match_all('~^connection 1 .*~m', $server->printed(), $told);
echo implode("\n", $told[0]), "\n";
$client = Example::run('tcp_client_socket', $server->ports[0]);
echo 'without a server: status ', $client->end(), "\n";
?>
--EXPECT--
status 0
server: hello, connection 1
server: you said one
server: you said two
server: you said three
hello, connection 2
you said half
status 0
connection 1 is open
connection 1 says one
connection 1 says two
connection 1 says three
connection 1 is closed
without a server: status 1
