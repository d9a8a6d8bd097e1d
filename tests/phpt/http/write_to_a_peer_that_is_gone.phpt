--TEST--
HTTP: a handler that writes until it fails ends when the peer has reset the connection, though it never waits
--EXTENSIONS--
swoole
pcntl
posix
sockets
--FILE--
<?php
require __DIR__ . '/../inc/http.inc';
require __DIR__ . '/../inc/server.inc';
foreach (MODES as $name => $mode) {
    $journal = new Journal();
    $handler = function ($request, $response) use ($journal) {
        $journal->record('begun');
        $journal->await('reset');
        for ($n = 0; $n < 400 && @$response->write('part'); $n++) {
            usleep(1000);
        }
        $journal->record($n < 400 ? 'write fails' : 'write succeeds');
    };
    http_serve(['enable_coroutine' => false], $handler, function () use ($journal, $name) {
        $s = socket_create(AF_INET, SOCK_STREAM, SOL_TCP);
        while (!@socket_connect($s, '127.0.0.1', $GLOBALS['port'])) {
            usleep(5000);
        }
        socket_write($s, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        $journal->await('begun');
        socket_set_option($s, SOL_SOCKET, SO_LINGER, ['l_onoff' => 1, 'l_linger' => 0]);
        socket_close($s);
        $journal->record('reset');
        $journal->await('write ');
        echo "$name: ", $journal->has('write fails') ? 'fails' : 'goes on', "\n";
    }, $mode);
    $journal->end();
}
?>
--EXPECT--
process: fails
base: fails
