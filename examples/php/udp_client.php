<?php
// A client for udp_server.php in plain PHP; it needs no extension.
//
//     php examples/php/udp_client.php [port]
$port = (int) ($argv[1] ?? $_SERVER['SWOOSH_PORT'] ?? 9501);

$socket = stream_socket_client("udp://127.0.0.1:$port");
stream_set_timeout($socket, 5); // UDP does not guarantee delivery: always use a timeout
foreach (['hello', 'stressed', 'drawer'] as $word) {
    fwrite($socket, $word); // one write, one datagram
    $answer = fread($socket, 65535); // one read, one datagram
    if ($answer === '' || $answer === false) {
        fwrite(STDERR, "no answer from port $port: start udp_server.php first\n");
        exit(1);
    }
    echo "$word comes back as $answer\n";
}
