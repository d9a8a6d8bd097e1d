--TEST--
HTTP and Redis: a child forked in a handler sends no response itself and leaves its parent's files alone
--EXTENSIONS--
swoole
pcntl
posix
--INI--
display_errors=0
log_errors=0
--FILE--
<?php
require __DIR__ . '/../inc/server.inc';
require __DIR__ . '/../inc/http.inc';
use Swoole\Coroutine as Co;

/** Forks a child that waits and then leaves the handler; returns true in it. The parent waits for its end. */
function leaves(): bool
{
    if (($pid = pcntl_fork()) === 0) {
        Co::sleep(0.01);
        return true;
    }
    Co\System::waitPid($pid, 10);
    return false;
}

foreach (MODES as $name => $mode) {
    echo "-- $name\n";
    http_serve(['worker_num' => 1], function ($request, $response) {
        $file = $request->files['f']['tmp_name'] ?? null;
        if (leaves()) {
            return;
        }
        $response->end('one answer, file ' . json_encode($file ? file_get_contents($file) : null));
    }, function () {
        $s = http_dial();
        fwrite($s, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        echo http_answer($s)[2], "\n";
        $body = "--b\r\nContent-Disposition: form-data; name=f; filename=n\r\n\r\ncontent\r\n--b--\r\n";
        fwrite($s, "POST / HTTP/1.1\r\nHost: a\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: " . strlen($body) . "\r\n\r\n$body");
        echo http_answer($s)[2], "\n";
        fwrite($s, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        echo http_answer($s)[2], "\n", json_encode(stream_get_contents($s)), "\n";
    }, $mode);
}
foreach (MODES as $name => $mode) {
    $server = new Swoole\Redis\Server('127.0.0.1', 0, $mode);
    $server->set(['worker_num' => 1, 'log_level' => SWOOLE_LOG_NONE]);
    $count = 0;
    $server->setHandler('COUNT', function ($fd) use ($server, &$count) {
        $count++;
        if (!leaves()) {
            $server->send($fd, Swoole\Redis\Server::format(Swoole\Redis\Server::INT, $count));
        }
    });
    $parent = getmypid();
    if (!$pid = pcntl_fork()) {
        $c = connect($server->port);
        // The second waits for the first.
        fwrite($c, str_repeat("*1\r\n\$5\r\nCOUNT\r\n", 2));
        echo "-- $name, redis\n", json_encode(read_all($c, 8)), "\n";
        fwrite($c, "*1\r\n\$5\r\nCOUNT\r\n");
        echo json_encode(fread($c, 100)), "\n";
        posix_kill($parent, SIGTERM);
        posix_kill(getmypid(), SIGKILL);
    }
    $server->start();
    pcntl_waitpid($pid, $status);
}
?>
--EXPECT--
-- process
one answer, file null
one answer, file "content"
one answer, file null
""
-- base
one answer, file null
one answer, file "content"
one answer, file null
""
-- process, redis
":1\r\n:2\r\n"
":3\r\n"
-- base, redis
":1\r\n:2\r\n"
":3\r\n"