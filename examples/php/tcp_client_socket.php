<?php
// A client for tcp_server.php in plain PHP; it needs no extension.
//
//     php examples/php/tcp_client_socket.php [port]
$port = (int) ($argv[1] ?? $_SERVER['SWOOSH_PORT'] ?? 9501);

$connection = stream_socket_client("tcp://127.0.0.1:$port", $errno, $error, 5);
if (!$connection) {
    fwrite(STDERR, "no server on port $port ($error): start tcp_server.php first\n");
    exit(1);
}
stream_set_timeout($connection, 10);
echo 'server: ', fgets($connection);
foreach (['one', 'two', 'three'] as $word) {
    fwrite($connection, "$word\n");
    echo 'server: ', fgets($connection); // the server answers each line with a line
}
fclose($connection);
