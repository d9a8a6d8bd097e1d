--TEST--
Properties, settings, callbacks of every form, refused serialisation and garbage collection of a server work
--EXTENSIONS--
swoole
pcntl
posix
--FILE--
<?php
require __DIR__ . '/../inc/server.inc';
class Handler
{
    public static function still($server, $fd, $reactor, $data)
    {
        $server->send($fd, "static $data");
    }
    public function __invoke($server, $fd, $reactor, $data)
    {
        $server->send($fd, "invoked $data");
    }
    public function first(...$arguments)
    {
        $arguments[0]->send($arguments[1], "method $arguments[3]");
    }
}
function named($server, $fd, $reactor, $data)
{
    $server->send($fd, "function $data");
}
$handler = new Handler();
foreach (['Handler::still', ['Handler', 'still'], $handler, [$handler, 'first'], 'named', named(...), fn ($server, $fd, $reactor, $data) => $server->send($fd, "arrow $data")] as $callback) {
    echo implode(' ', serve(fn ($server) => $server->on('receive', $callback), fn ($ports, $journal) => $journal->record(ask(connect($ports[0]), 'called')))), "\n";
}
$server = new Swoole\Server('127.0.0.1', 0, SWOOLE_PROCESS);
var_dump($server->setting, $server->host, $server->mode, $server->type, $server->worker_id, $server->taskworker, $server->master_pid, count($server->ports), $server->ports[0]->port === $server->port);
@$server->set(['worker_num' => 3, 'own_name_is_kept' => 1] + ['log_level' => 5]);
$server->setting['more'] = 'kept';
echo json_encode($server->setting), "\n";
echo json_encode([$server->getCallback('receive'), $server->on('receive', 'named'), $server->getCallback('Receive'), get_debug_type($server->ports[0]->getCallback('receive'))]), "\n";
try {
    serialize($server);
} catch (Exception $e) {
    echo $e->getMessage(), "\n";
}
try {
    clone $server;
} catch (Error $e) {
    echo $e->getMessage(), "\n";
}
// A server that is never started is freed when nothing refers to it, cycles included, and its port is free again.
$port = $server->port;
class Witness
{
    public function __destruct()
    {
        echo "collected\n";
    }
}
$witness = new Witness();
$server->on('close', function () use ($server, $witness) {});
$witness = $server = null;
gc_collect_cycles();
echo 'the port is free: ', json_encode(is_resource(@stream_socket_server("tcp://127.0.0.1:$port"))), "\n";
?>
--EXPECT--
static called
static called
invoked called
method called
function called
function called
arrow called
NULL
string(9) "127.0.0.1"
int(2)
int(1)
int(-1)
bool(false)
int(0)
int(1)
bool(true)
{"worker_num":3,"own_name_is_kept":1,"log_level":5,"more":"kept"}
[null,true,"named","string"]
Serialization of 'Swoole\Server' is not allowed
Trying to clone an uncloneable object of class Swoole\Server
collected
the port is free: true
