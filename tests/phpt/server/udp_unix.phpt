--TEST--
Datagrams and Unix sockets: packet arguments, sendto and paths work
--EXTENSIONS--
swoole
pcntl
posix
sockets
--FILE--
<?php
require __DIR__ . '/../inc/server.inc';
$path = sys_get_temp_dir() . '/server_udp_unix_' . getmypid();
foreach (MODES as $name => $mode) {
    echo "$name\n", implode("\n", serve(function ($server, $journal) use ($path) {
        $server->listen('::1', 0, SWOOLE_SOCK_UDP6);
        $server->listen("$path.stream", 0, SWOOLE_UNIX_STREAM);
        $server->listen("$path.dgram", 0, SWOOLE_UNIX_DGRAM);
        $server->on('packet', function ($server, $data, $from) {
            if (str_starts_with($from['address'], '/')) {
                return $server->send($from['address'], "unix $data");
            }
            $own = in_array($from['server_port'], array_column($server->ports, 'port'));
            $answer = strlen($data) > 1000 ? strlen($data) : "$data from {$from['address']}, own port " . json_encode($own) . ', keys ' . implode(' ', array_keys($from));
            $server->sendto($from['address'], $from['port'], $answer);
        });
        $server->on('receive', fn ($server, $fd, $reactor, $data) => $server->send($fd, "$data, said connection $fd"));
    }, function ($ports, $journal) use ($path) {
        $udp = stream_socket_client("udp://127.0.0.1:$ports[0]");
        stream_set_timeout($udp, 10);
        $journal->record(ask($udp, 'four'));
        $journal->record('60000 bytes: ' . ask($udp, str_repeat('u', 60000)));
        $udp = stream_socket_client("udp://[::1]:$ports[1]");
        stream_set_timeout($udp, 10);
        $journal->record(ask($udp, 'six'));
        $journal->record('unix stream: ' . ask(connect(0, 'unix', "$path.stream"), 'hello'));
        $socket = socket_create(AF_UNIX, SOCK_DGRAM, 0);
        socket_bind($socket, "$path.client");
        socket_sendto($socket, 'datagram', 8, 0, "$path.dgram");
        socket_recvfrom($socket, $answer, 100, 0, $peer);
        $journal->record("$answer from the server's path: " . json_encode($peer === "$path.dgram"));
        unlink("$path.client");
    }, $mode, SWOOLE_SOCK_UDP)), "\n";
    echo 'paths left: ', json_encode(glob("$path*")), "\n";
}
?>
--EXPECT--
process
four from 127.0.0.1, own port true, keys server_socket server_port address port dispatch_time
60000 bytes: 60000
six from ::1, own port true, keys server_socket server_port address port dispatch_time
unix stream: hello, said connection 1
unix datagram from the server's path: true
paths left: []
base
four from 127.0.0.1, own port true, keys server_socket server_port address port dispatch_time
60000 bytes: 60000
six from ::1, own port true, keys server_socket server_port address port dispatch_time
unix stream: hello, said connection 1
unix datagram from the server's path: true
paths left: []
