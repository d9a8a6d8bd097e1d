--TEST--
A blocking client keeps bytes over timeouts, splits packets, sends files and reports errors by code and warning
--EXTENSIONS--
swoole
--FILE--
<?php
$listen = stream_socket_server('tcp://127.0.0.1:0');
$port = (int) substr(strrchr(stream_socket_get_name($listen, false), ':'), 1);
set_error_handler(fn ($no, $text) => print('  warning: ' . preg_replace('/:\d{4,5}:/', ':PORT:', $text) . "\n"));
function open(array $set = [], int $type = SWOOLE_SOCK_TCP): array
{
    global $listen, $port;
    $client = new Swoole\Client($type);
    $client->set($set);
    $client->connect('127.0.0.1', $port, 0.05) || print("not connected: $client->errCode\n");
    return [$client, stream_socket_accept($listen)];
}
[$client, $peer] = open(['open_eof_split' => true, 'package_eof' => "\n"]);
fwrite($peer, "one\ntw");
echo json_encode([$client->recv(), $client->recv(), $client->errCode]), "\n";
fwrite($peer, "o\nrest");
fclose($peer);
echo json_encode([$client->recv(), $client->recv(), $client->isConnected()]), "\n";

[$client, $peer] = open();
fwrite($peer, 'abcdef');
echo json_encode([$client->recv(3, Swoole\Client::MSG_PEEK), $client->recv(2, Swoole\Client::MSG_WAITALL), $client->recv(9, Swoole\Client::MSG_WAITALL)]), "\n";
echo json_encode([$client->recv(9, Swoole\Client::MSG_DONTWAIT), $client->send('x', Swoole\Client::MSG_DONTWAIT)]), "\n";
[$read, $write, $except] = [[$client], [$client], []];
echo swoole_client_select($read, $write, $except, 0.01), ' ready, ', count($read), " to read\n";
echo json_encode([$client->sendfile(__FILE__, 0, 5), fread($peer, 6), $client->sendfile(__FILE__, 1 << 30), $client->errCode]), "\n";
echo json_encode([$client->getSocket() === $client->getSocket(), $client->getpeername() === ['port' => $port, 'host' => '127.0.0.1'], $client->shutdown(Swoole\Client::SHUT_WR), $client->send('x'), $client->errCode]), "\n";
echo json_encode([$client->close(), $client->close(), $client->recv(), $client->errCode]), "\n";

[$client, $peer] = open(['open_length_check' => true, 'package_length_func' => fn ($data) => throw new LogicException('no length')]);
fwrite($peer, 'abc');
try {
    $client->recv();
} catch (LogicException $e) {
    echo $e->getMessage(), ', connected ', json_encode($client->isConnected()), "\n";
}
$client = new Swoole\Client(SWOOLE_SOCK_TCP);
echo json_encode([$client->connect('127.0.0.1', $port, 0.5, 1), $client->isConnected(), $client->errCode]), "\n";
[$read, $write, $except] = [[], [$client], []];
swoole_client_select($read, $write, $except, 1);
echo json_encode([$client->send('x'), $client->isConnected()]), "\n";
$udp = stream_socket_server('udp://127.0.0.1:0', $no, $text, STREAM_SERVER_BIND);
$at = (int) substr(strrchr(stream_socket_get_name($udp, false), ':'), 1);
$client = new Swoole\Client(SWOOLE_SOCK_UDP);
echo json_encode([$client->sendto('127.0.0.1', $at, 'datagram'), stream_socket_recvfrom($udp, 100), $client->isConnected()]), "\n";
?>
--EXPECT--
  warning: Swoole\Client::recv(): 127.0.0.1:PORT: receive: timed out
["one\n",false,11]
["two\n","",true]
  warning: Swoole\Client::recv(): 127.0.0.1:PORT: receive: timed out
["abc","ab",false]
["cdef",1]
1 ready, 0 to read
  warning: Swoole\Client::sendfile(): offset and length are outside of the file
[true,"x<?php",false,503]
  warning: Swoole\Client::send(): send: Broken pipe (os error 32)
[true,true,true,false,32]
  warning: Swoole\Client::close(): the client is not connected to a server
  warning: Swoole\Client::recv(): the client is not connected to a server
[true,false,false,5001]
no length, connected true
[true,false,115]
[1,true]
[true,"datagram",true]
