--TEST--
Redis: the reply to malformed input comes behind the replies to earlier commands, however long these take
--EXTENSIONS--
swoole
pcntl
posix
--FILE--
<?php
require __DIR__ . '/../inc/server.inc';
foreach (MODES as $name => $mode) {
    $server = new Swoole\Redis\Server('127.0.0.1', 0, $mode);
    $server->set(['worker_num' => 1, 'log_level' => SWOOLE_LOG_NONE]);
    $server->setHandler('SLOW', function ($fd, $data) use ($server) {
        Co::sleep(0.05);
        $server->send($fd, Swoole\Redis\Server::format(Swoole\Redis\Server::STRING, $data[0]));
    });
    $server->setHandler('FAST', fn ($fd) => $server->send($fd, Swoole\Redis\Server::format(Swoole\Redis\Server::STATUS, 'fast')));
    $parent = getmypid();
    $port = $server->port;
    if (!$pid = pcntl_fork()) {
        foreach (["*2\r\n\$4\r\nSLOW\r\n\$1\r\na\r\n*2\r\n\$4\r\nSLOW\r\n\$1\r\nb\r\n*1\r\n\$4\r\nFAST\r\n*1\r\n!\r\n", "*1\r\n\$4\r\nFAST\r\n*1\r\n!\r\n", "*1\r\n!\r\n"] as $input) {
            fwrite($c = connect($port), $input);
            echo "$name: ", str_replace("\r\n", ' ', stream_get_contents($c)), feof($c) ? 'end' : '', "\n";
        }
        posix_kill($parent, SIGTERM);
        posix_kill(getmypid(), SIGKILL);
    }
    $server->start();
    pcntl_waitpid($pid, $status);
}
?>
--EXPECTF--
process: $1 a $1 b +fast -ERR Protocol error: %s end
process: +fast -ERR Protocol error: %s end
process: -ERR Protocol error: %s end
base: $1 a $1 b +fast -ERR Protocol error: %s end
base: +fast -ERR Protocol error: %s end
base: -ERR Protocol error: %s end
