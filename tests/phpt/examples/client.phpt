--TEST--
Examples of clients: blocking, asynchronous, with connections that are kept
--EXTENSIONS--
swoole
--FILE--
<?php
require __DIR__ . '/../inc/example.inc';
$listen = stream_socket_server('tcp://127.0.0.1:0');
$port = substr(strrchr(stream_socket_get_name($listen, false), ':'), 1);
/** Echoes until the example has ended. */
function echo_for(Example $example): void
{
    global $listen;
    static $all = [];
    $all[(int) $listen] = $listen;
    for (;;) {
        [$read, $write, $except] = [$all, [], []];
        if (!stream_select($read, $write, $except, 0, 20000)) {
            if ($example->isOver()) {
                return;
            }
        }
        foreach ($read as $id => $stream) {
            if ($stream === $listen) {
                $new = stream_socket_accept($listen);
                $all[(int) $new] = $new;
            } elseif (($data = fread($stream, 8192)) === '' || $data === false) {
                unset($all[$id]);
            } else {
                fwrite($stream, $data);
            }
        }
    }
}
foreach ([Example::run('client', $port), Example::run('client_async', $port), Example::run('client_keep', $port)] as $example) {
    echo_for($example);
    echo $example->printed();
}
?>
--EXPECT--
one
two
three
client 0
client 1
client 2
connected for the 1. time
received hello
received bye
closed
connected for the 2. time
received hello
received bye
closed
connected for the 3. time
received hello
received bye
closed
question 100
reused 99 times
