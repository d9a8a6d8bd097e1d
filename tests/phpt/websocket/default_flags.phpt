--TEST--
push() and pack() of WebSockets take null for the default flags, on both sides
--EXTENSIONS--
swoole
pcntl
--FILE--
<?php
declare(strict_types=1);
use Swoole\WebSocket\{Frame, Server};
$server = new Server('127.0.0.1', 0, SWOOLE_BASE);
$server->set(['worker_num' => 1, 'log_level' => SWOOLE_LOG_NONE]);
$server->on('message', fn (Server $server, Frame $frame) => $server->push($frame->fd, strtoupper($frame->data), WEBSOCKET_OPCODE_TEXT, null));
if (!$pid = pcntl_fork()) {
    $server->start();
    exit;
}
Swoole\Coroutine\run(function () use ($server) {
    $client = new Swoole\Coroutine\Http\Client('127.0.0.1', $server->port);
    while (!$client->upgrade('/')) {
        Swoole\Coroutine::sleep(0.05);
    }
    var_dump($client->push('a message', WEBSOCKET_OPCODE_TEXT, null));
    $frame = $client->recv(20);
    var_dump($frame->data, $frame->finish);
});
echo bin2hex(Server::pack('a', WEBSOCKET_OPCODE_TEXT, null)), "\n";
try {
    Server::pack('a', WEBSOCKET_OPCODE_TEXT, 'x');
} catch (TypeError $e) {
    echo $e->getMessage(), "\n";
}
posix_kill($pid, SIGTERM);
pcntl_wait($status);
?>
--EXPECT--
bool(true)
string(9) "A MESSAGE"
bool(true)
810161
Swoole\WebSocket\Server::pack(): Argument #3 ($flags) must be of type int, string given
