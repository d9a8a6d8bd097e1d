--TEST--
event_object passes one object to callbacks; task_object, StatusInfo, Packet, PipeMessage and TaskResult work
--EXTENSIONS--
swoole
pcntl
posix
--FILE--
<?php
require __DIR__ . '/../inc/server.inc';
$show = fn ($object) => get_class($object) . ' ' . implode(' ', array_map(fn ($k, $v) => "$k=" . (is_string($v) || $k === 'worker_id' || $k === 'fd' || $k === 'exit_code' ? json_encode($v) : get_debug_type($v)), array_keys(get_object_vars($object)), get_object_vars($object)));
$lines = serve(function ($server, $journal) use ($show) {
    $server->set(['event_object' => true, 'task_worker_num' => 1, 'enable_coroutine' => false]);
    $server->listen('127.0.0.1', 0, SWOOLE_SOCK_UDP);
    foreach (['connect', 'close', 'finish', 'pipeMessage', 'workerError'] as $event) {
        $server->on($event, fn ($server, $object) => $journal->record("$event " . $show($object)));
    }
    $server->on('packet', fn ($server, $object) => $journal->record('packet ' . $show($object)) || $server->sendto($object->address, $object->port, 'x'));
    $server->on('task', function ($server, Swoole\Server\Task $task) use ($journal, $show) {
        $journal->record('task ' . $show($task));
        $server->sendMessage('hi', 0);
        $task->finish('done');
    });
    $server->on('receive', function ($server, $object) use ($journal, $show) {
        $journal->record('receive ' . $show($object));
        if ($object->data === 'die') {
            exit(7);
        }
        $server->task('work');
        $server->send($object->fd, 'x');
    });
}, function ($ports, $journal) {
    $udp = stream_socket_client("udp://127.0.0.1:$ports[1]");
    stream_set_timeout($udp, 5);
    ask($udp, 'datagram');
    ask($c = connect($ports[0]), 'go');
    usleep(300000);
    fwrite($c, 'die');
    usleep(300000);
    fclose($c);
    usleep(300000);
});
sort($lines);
echo implode("\n", $lines), "\n";
?>
--EXPECT--
close Swoole\Server\Event reactor_id=int fd=1 dispatch_time=float data=null
connect Swoole\Server\Event reactor_id=int fd=1 dispatch_time=float data=null
finish Swoole\Server\TaskResult task_id=int task_worker_id=int dispatch_time=float data="done"
packet Swoole\Server\Packet server_socket=int server_port=int dispatch_time=float address="127.0.0.1" port=int data="datagram"
pipeMessage Swoole\Server\PipeMessage source_worker_id=int worker_id=0 dispatch_time=float data="hi"
receive Swoole\Server\Event reactor_id=int fd=1 dispatch_time=float data="die"
receive Swoole\Server\Event reactor_id=int fd=1 dispatch_time=float data="go"
task Swoole\Server\Task data="work" dispatch_time=float id=int worker_id=0 flags=int
workerError Swoole\Server\StatusInfo worker_id=0 worker_pid=int status=int exit_code=7 signal=int
