--TEST--
Programs with Swoole's old names run: swoole_server, addListener, tick, after, clearTimer, defer, swoole_process
--EXTENSIONS--
swoole
pcntl
posix
--FILE--
<?php
require __DIR__ . '/../inc/server.inc';
class OldServer extends swoole_server
{
    public $journal;
    public function onReceive($serv, $fd, $from_id, $data)
    {
        $this->journal->record('a method: ' . get_class($serv) . ' ' . $data);
        $ticks = 0;
        $timer = $serv->tick(5, function ($id) use ($serv, $fd, &$ticks, &$timer) {
            if (++$ticks === 3) {
                $this->journal->record('ticks 3, cleared ' . json_encode($serv->clearTimer($id)));
                $serv->after(5, fn () => $serv->send($fd, 'after'));
            }
        });
        $serv->defer(fn () => $this->journal->record('deferred'));
        $this->journal->record('timer ' . json_encode(is_int($timer) && swoole_timer_exists($timer)));
    }
    public static function onClose($serv, $fd)
    {
        $serv->journal->record('a static method');
    }
}
$journal = new Journal();
$server = new OldServer('127.0.0.1', 0, SWOOLE_PROCESS, SWOOLE_TCP);
$server->journal = $journal;
$second = $server->addListener('127.0.0.1', 0, SWOOLE_SOCK_TCP);
$server->set(['worker_num' => 1, 'log_level' => SWOOLE_LOG_ERROR]);
$server->handler('Receive', [$server, 'onReceive']);
$server->on('close', 'OldServer::onClose');
$second->on('receive', function (swoole_server $serv, $fd, $from, $data) {
    $serv->send($fd, strrev($data));
});
$server->addProcess(new swoole_process(function (swoole_process $process) use ($journal) {
    $journal->record('a process');
    sleep(10);
}));
if (($child = pcntl_fork()) === 0) {
    $c = connect($server->port);
    $journal->record('answer ' . ask($c, 'old'));
    fclose($c);
    $journal->record('second port ' . ask(connect($second->port), 'abc'));
    usleep(50000);
    posix_kill(posix_getppid(), SIGTERM);
    posix_kill(getmypid(), SIGKILL);
}
$server->start();
pcntl_waitpid($child, $status);
$lines = $journal->end();
sort($lines);
echo implode("\n", $lines), "\n";
var_dump($server instanceof Swoole\Server, (new ReflectionClass('swoole_server_port'))->getName(), swoole_cpu_num() > 0, swoole_last_error());
?>
--EXPECT--
a method: OldServer old
a process
a static method
a static method
answer after
deferred
second port cba
ticks 3, cleared true
timer true
bool(true)
string(18) "Swoole\Server\Port"
bool(true)
int(0)
