--TEST--
Server::getSocket and Port::getSocket return the listening socket; hooks are off in workers unless hook_flags is set
--EXTENSIONS--
swoole
sockets
pcntl
posix
--FILE--
<?php
require __DIR__ . '/../inc/server.inc';

foreach (MODES as $name => $mode) {
    echo "$name: ", implode(', ', serve(function (Swoole\Server $s, Journal $journal) {
        $udp = $s->listen('127.0.0.1', 0, SWOOLE_SOCK_UDP);
        $socket = $s->getSocket();
        socket_getsockname($socket, $host, $port);
        $journal->record(get_class($socket) . ($port === $s->port ? ' of the port' : ' of another'));
        socket_getsockname($s->getSocket($udp->port), $host, $port);
        $journal->record($port === $udp->port && socket_get_option($udp->getSocket(), SOL_SOCKET, SO_TYPE) === SOCK_DGRAM ? 'datagrams' : 'another');
        $journal->record(json_encode(@$s->getSocket(1)));
        // Options apply to the server's own socket, and closing the object does not close it.
        socket_set_option($socket, SOL_SOCKET, SO_RCVTIMEO, ['sec' => 7, 'usec' => 0]);
        socket_close($socket);
        $journal->record(socket_get_option($s->getSocket(), SOL_SOCKET, SO_RCVTIMEO)['sec'] . ' s');
        $s->on('packet', fn () => null);
        $s->on('receive', function ($s, $fd) {
            socket_getsockname($s->ports[0]->getSocket(), $host, $port);
            $s->send($fd, $port === $s->port ? 'the same in a worker' : 'another in a worker');
        });
    }, fn ($ports, $journal) => $journal->record(ask(connect($ports[0]), 'x')), $mode)), "\n";
    foreach ([[], ['enable_coroutine' => true], ['hook_flags' => SWOOLE_HOOK_SLEEP]] as $settings) {
        echo "$name, ", json_encode($settings), ': ', implode(', ', serve(function (Swoole\Server $s) use ($settings) {
            $s->set($settings);
            $s->on('receive', fn ($s, $fd) => $s->send($fd, (string) Swoole\Runtime::getHookFlags()));
        }, fn ($ports, $journal) => $journal->record(ask(connect($ports[0]), 'x')), $mode)), "\n";
    }
}
?>
--EXPECT--
process: Socket of the port, datagrams, false, 7 s, the same in a worker
process, []: 0
process, {"enable_coroutine":true}: 0
process, {"hook_flags":512}: 512
base: Socket of the port, datagrams, false, 7 s, the same in a worker
base, []: 0
base, {"enable_coroutine":true}: 0
base, {"hook_flags":512}: 512
