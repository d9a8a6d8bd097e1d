--TEST--
Hooked streams bind to the port of the context option bindto in each of its forms, and leave the option as it was
--EXTENSIONS--
swoole
--FILE--
<?php
Swoole\Runtime::enableCoroutine(SWOOLE_HOOK_TCP);
Co\run(function () {
    $server = stream_socket_server('tcp://127.0.0.1:0');
    $address = 'tcp://' . stream_socket_get_name($server, false);
    foreach (['0:%d', '0.0.0.0:%d', ':%d', '127.0.0.1:%d'] as $form) {
        $free = stream_socket_server('tcp://127.0.0.1:0');
        $port = (int) substr(strrchr(stream_socket_get_name($free, false), ':'), 1);
        fclose($free);
        $context = stream_context_create(['socket' => ['bindto' => $bindto = sprintf($form, $port)]]);
        $client = stream_socket_client($address, $code, $text, 2, STREAM_CLIENT_CONNECT, $context);
        echo $form, ': ', json_encode([
            stream_socket_get_name($client, false) === "127.0.0.1:$port",
            stream_context_get_options($context)['socket']['bindto'] === $bindto,
        ]), "\n";
    }
});
?>
--EXPECT--
0:%d: [true,true]
0.0.0.0:%d: [true,true]
:%d: [true,true]
127.0.0.1:%d: [true,true]
