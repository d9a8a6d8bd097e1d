--TEST--
Calls made too early, too late or wrongly are refused with a warning that says what to do
--EXTENSIONS--
swoole
pcntl
posix
--FILE--
<?php
require __DIR__ . '/../inc/server.inc';
set_error_handler(function ($number, $text) {
    $GLOBALS['warnings'][] = $text;
    return true;
});
$warnings = [];
$say = function (string $what, $result) use (&$warnings) {
    echo "$what: ", json_encode($result), $warnings ? ' | ' . implode(' | ', $warnings) : '', "\n";
    $warnings = [];
};
$server = new Swoole\Server('127.0.0.1', 0);
foreach (['send' => [1, 'x'], 'close' => [1], 'task' => ['x'], 'reload' => [], 'shutdown' => [], 'stats' => [], 'getClientInfo' => [1], 'heartbeat' => [], 'sendMessage' => ['x', 0]] as $method => $arguments) {
    $say("$method before start", $server->$method(...$arguments));
}
$say('an event that is none', $server->on('recieve', fn () => null));
$say('an event with on', $server->on('onReceive', fn () => null));
$say('an event of the server', $server->ports[0]->on('onWorkerStrat', fn () => null));
$say('an event like no other', $server->on('tick', fn () => null));
$say('a callback that is none', $server->on('receive', 'no_such_function'));
$say('a misspelt setting', $server->set(['worker_number' => 1]));
$say('a type that is none', $server->listen('127.0.0.1', 0, 99));
foreach ([[3, 1], [1, 99]] as [$mode, $type]) {
    try {
        new Swoole\Server('127.0.0.1', 0, $mode, $type);
    } catch (Throwable $e) {
        $say("mode $mode, type $type", get_class($e) . ': ' . $e->getMessage());
    }
}
try {
    (new ReflectionClass('Swoole\Server'))->newInstanceWithoutConstructor()->on('receive', 'strlen');
} catch (Throwable $e) {
    $say('without constructor', get_class($e) . ': ' . $e->getMessage());
}
// These end the program.
restore_error_handler();
$end = function (callable $setup) {
    $pipe = stream_socket_pair(STREAM_PF_UNIX, STREAM_SOCK_STREAM, 0);
    if (($pid = pcntl_fork()) === 0) {
        ini_set('display_errors', '0');
        ini_set('log_errors', '0');
        register_shutdown_function(fn () => fwrite($pipe[1], preg_replace('/\s+/', ' ', error_get_last()['message'] ?? 'nothing')));
        $server = new Swoole\Server('127.0.0.1', 0);
        $server->set(['log_level' => SWOOLE_LOG_NONE]);
        $setup($server);
        $server->start();
        exit;
    }
    pcntl_waitpid($pid, $status);
    fclose($pipe[1]);
    echo 'start ends with ', pcntl_wexitstatus($status), ': ', stream_get_contents($pipe[0]), "\n";
};
$end(fn () => null);
$end(fn ($server) => $server->on('receive', fn () => null) && $server->set(['task_worker_num' => 1]));
$end(fn ($server) => $server->on('receive', fn () => null) && $server->set(['worker_num' => 'many']));
$end(fn ($server) => $server->on('receive', fn () => null) && $server->set(['task_worker_num' => -3]));
$end(fn ($server) => $server->set(['package_eof' => '']));
echo implode("\n", serve(function ($server, $journal) {
    $server->on('receive', function ($server, $fd) use ($journal) {
        foreach (['set' => [[]], 'on' => ['close', 'strlen'], 'listen' => ['127.0.0.1', 0, 1], 'start' => []] as $method => $arguments) {
            $journal->record("$method after start " . json_encode(@$server->$method(...$arguments)) . ' ' . error_get_last()['message']);
        }
        $server->send($fd, 'x');
    });
}, fn ($ports) => ask(connect($ports[0]), 'x'))), "\n";
?>
--EXPECTF--
send before start: false | Swoole\Server::send(): the server is not running; call this in one of its callbacks
close before start: false | Swoole\Server::close(): the server is not running; call this in one of its callbacks
task before start: false | Swoole\Server::task(): the server is not running; call this in one of its callbacks
reload before start: false | Swoole\Server::reload(): the server is not running; call this in one of its callbacks
shutdown before start: false | Swoole\Server::shutdown(): the server is not running
stats before start: false | Swoole\Server::stats(): the server is not running; call this in one of its callbacks
getClientInfo before start: false | Swoole\Server::getClientInfo(): the server is not running; call this in one of its callbacks
heartbeat before start: false | Swoole\Server::heartbeat(): the server is not running; call this in one of its callbacks
sendMessage before start: false | Swoole\Server::sendMessage(): the server is not running; call this in one of its callbacks
an event that is none: false | Swoole\Server::on(): there is no event 'recieve'; did you mean 'receive'?
an event with on: false | Swoole\Server::on(): there is no event 'onReceive'; event names are written without 'on': 'receive'
an event of the server: false | Swoole\Server\Port::on(): there is no event 'onWorkerStrat'; its events are connect, receive, close, packet, bufferfull, bufferempty, request, handshake, beforehandshakeresponse, open, message, disconnect
an event like no other: false | Swoole\Server::on(): there is no event 'tick'; its events are connect, receive, close, packet, bufferfull, bufferempty, request, handshake, beforehandshakeresponse, open, message, disconnect, start, beforeshutdown, shutdown, workerstart, workerstop, beforereload, afterreload, workerexit, workererror, task, finish, managerstart, managerstop, pipemessage
a callback that is none: false | Swoole\Server::on(): the callback cannot be called: function "no_such_function" not found or invalid function name
a misspelt setting: true | Swoole\Server::set(): unknown setting worker_number; did you mean worker_num?
a type that is none: false | Swoole\Server::listen(): unknown socket type 99: use one of the SWOOLE_SOCK_* constants
mode 3, type 1: "Error: invalid mode 3: use SWOOLE_BASE (1) or SWOOLE_PROCESS (2)"
mode 1, type 99: "Swoole\\Exception: unknown socket type 99: use one of the SWOOLE_SOCK_* constants"
without constructor: "Error: the server is not constructed; call parent::__construct() first"
start ends with 255: Swoole\Server::start(): require onReceive callback: port 127.0.0.1:%d has none; set it with on('receive', ...)
start ends with 255: Swoole\Server::start(): require onTask callback: task_worker_num is set; set it with on('task', ...)
start ends with 255: Swoole\Server::start(): setting worker_num: "many" is refused: a whole number from 1 to %d (processes: 1000 for each core)
start ends with 255: Swoole\Server::start(): setting task_worker_num: -3 is refused: a whole number from 0 to %d (processes: 1000 for each core)
start ends with 255: Swoole\Server::set(): setting package_eof: "" is refused: 1 to 8 bytes
set after start false Swoole\Server::set(): the server was already started; call this before start()
on after start false Swoole\Server::on(): the server was already started; call this before start()
listen after start false Swoole\Server::listen(): the server was already started; call this before start()
start after start false Swoole\Server::start(): the server was already started; call this before start()
