--TEST--
Example coroutine_http_server.php serves paths, a WebSocket, its own clients and curl, and shuts down
--EXTENSIONS--
swoole
posix
--FILE--
<?php
require __DIR__ . '/../inc/example.inc';
foreach (['signal', 'request'] as $end) {
    $server = Example::start('coroutine_http_server');
    $server->waitFor('~10 slow answers~');
    $server->waitFor('~you said something~');
    $url = "http://127.0.0.1:{$server->ports[0]}";
    foreach (['/hello?name=you', '/hello/any', '/nowhere', '/echo'] as $path) {
        echo "$path: ", shell_exec("curl -s -w '%{http_code}\n' " . escapeshellarg($url . $path));
    }
    if ($end === 'request') {
        echo shell_exec("curl -s $url/stop"), 'status ', $server->end(), "\n";
    } else {
        echo 'status ', $server->stop(), "\n";
    }
    $server->waitFor('~the server has ended~');
}
?>
--EXPECT--
/hello?name=you: hello, you
200
/hello/any: hello, stranger
200
/nowhere: nothing is here
404
/echo: this path speaks WebSocket
400
status 0
/hello?name=you: hello, you
200
/hello/any: hello, stranger
200
/nowhere: nothing is here
404
/echo: this path speaks WebSocket
400
bye
status 0
