--TEST--
send_yield makes a send in a coroutine wait for buffer space, in order; otherwise, or after send_timeout, it is refused
--EXTENSIONS--
swoole
pcntl
posix
--FILE--
<?php
require __DIR__ . '/../inc/server.inc';
foreach (MODES as $name => $mode) {
    foreach ([[], ['send_yield' => false], ['send_timeout' => 0.05], ['enable_coroutine' => false]] as $settings) {
        echo "$name ", json_encode($settings), ': ', implode(', ', serve(function ($server, $journal) use ($settings) {
            $server->set($settings + ['socket_buffer_size' => 2 << 20, 'kernel_socket_send_buffer_size' => 65536]);
            $server->on('receive', function ($server, $fd) use ($journal) {
                // Another coroutine that sends to this peer queues behind the data that waits already.
                Swoole\Timer::after(50, fn () => $server->send($fd, 'z'));
                swoole_clear_error();
                for ($n = 0; $n < 20; $n++) {
                    $all[] = $server->send($fd, str_repeat(chr(97 + $n), 1_000_000));
                }
                $journal->record(in_array(false, $all, true) ? 'some refused' : 'all sent');
            });
        }, function ($ports, $journal) use ($settings) {
            fwrite($c = connect($ports[0]), 'go');
            usleep(400000);
            $settings && $journal->await('refused');
            $got = read_all($c, $settings ? 1_000_000 : 20_000_001);
            // The letters in the order in which they arrived; each send used a different one.
            for ($order = '', $at = 0; $at < strlen($got); $at += strspn($got, $got[$at], $at)) {
                $order .= $got[$at];
            }
            $whole = strlen($order) === 21 && str_replace('z', '', $order) === 'abcdefghijklmnopqrst';
            $journal->record($settings ? 'the first ' . strlen($got) : strlen($got) . ' bytes, in order: ' . json_encode($whole));
        }, $mode)), "\n";
    }
}
?>
--EXPECT--
process []: all sent, 20000001 bytes, in order: true
process {"send_yield":false}: some refused, the first 1000000
process {"send_timeout":0.05}: some refused, the first 1000000
process {"enable_coroutine":false}: some refused, the first 1000000
base []: all sent, 20000001 bytes, in order: true
base {"send_yield":false}: some refused, the first 1000000
base {"send_timeout":0.05}: some refused, the first 1000000
base {"enable_coroutine":false}: some refused, the first 1000000
