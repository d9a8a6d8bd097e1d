--TEST--
getClientInfo, getClientList, connections, stats, exists and bind describe connections correctly
--EXTENSIONS--
swoole
pcntl
posix
--FILE--
<?php
require __DIR__ . '/../inc/server.inc';
foreach (MODES as $name => $mode) {
    echo "$name\n", implode("\n", serve(function ($server, $journal) {
        $second = $server->listen('127.0.0.1', 0, SWOOLE_SOCK_TCP);
        $server->on('receive', function ($server, $fd, $reactor, $data) use ($journal, $second) {
            if ($data === 'count') {
                return $server->send($fd, count($server->connections) . ' and ' . $server->stats()['close_count']);
            }
            $info = $server->getClientInfo($fd);
            ksort($info);
            $journal->record(implode(' ', array_map(fn ($k, $v) => "$k=" . (is_int($v) && !in_array($k, ['server_port', 'reactor_id', 'close_errno']) || is_float($v) ? get_debug_type($v) : ($k === 'server_port' ? json_encode($v === $server->port) : ($k === 'reactor_id' ? 'int' : $v))), array_keys($info), $info)));
            $journal->record('unknown ' . json_encode([$server->getClientInfo(999), $server->exists(999), $server->exist($fd)]));
            $journal->record('list ' . json_encode([$server->getClientList() === $server->getClientList(0, 10), count($server->getClientList()), $server->getClientList(0, 2), $server->getClientList(PHP_INT_MAX), @$server->getClientList(0, 101)]));
            $ids = [];
            foreach ($server->connections as $key => $id) {
                $ids[$key] = $id;
            }
            $journal->record('iterator ' . json_encode([array_keys($ids), array_values($ids) === $server->getClientList(), isset($server->connections[$fd]), isset($server->connections[999]), $server->connections[$fd]['remote_ip']]));
            $journal->record('second port ' . json_encode([count($second->connections), iterator_count($server->ports[1]->connections)]));
            $journal->record('bind ' . json_encode([$server->bind($fd, 7), $server->bind($fd, 8), $server->bind(999, 7)]) . ' uid ' . $server->getClientInfo($fd)['uid']);
            $stats = $server->stats();
            $journal->record('stats ' . json_encode(array_map(fn ($key) => $stats[$key], ['connection_num', 'accept_count', 'close_count', 'worker_num', 'task_worker_num'])));
            $server->send($fd, 'done');
        });
    }, function ($ports, $journal) {
        $all = [connect($ports[0]), connect($ports[0]), connect($ports[1])];
        fclose(connect($ports[0]));
        wait_for(fn () => ask($all[0], 'count') === '3 and 1');
        ask($all[0], 'tell');
    }, $mode)), "\n";
}
?>
--EXPECT--
process
close_errno=0 connect_time=int last_dispatch_time=float last_recv_time=float last_send_time=float last_time=int reactor_id=int recv_queued_bytes=int remote_ip=127.0.0.1 remote_port=int send_queued_bytes=int server_fd=int server_port=true socket_fd=int socket_type=int
unknown [false,false,true]
list [true,3,[1,2],false,false]
iterator [[0,1,2],true,true,false,"127.0.0.1"]
second port [1,1]
bind [true,false,false] uid 7
stats [3,4,1,1,0]
base
close_errno=0 connect_time=int last_dispatch_time=float last_recv_time=float last_send_time=float last_time=int reactor_id=int recv_queued_bytes=int remote_ip=127.0.0.1 remote_port=int send_queued_bytes=int server_fd=int server_port=true socket_fd=int socket_type=int
unknown [false,false,true]
list [true,3,[1,2],false,false]
iterator [[0,1,2],true,true,false,"127.0.0.1"]
second port [1,1]
bind [true,false,false] uid 7
stats [3,4,1,1,0]
