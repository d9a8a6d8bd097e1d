--TEST--
close() with reset sends RST, without it FIN; the heartbeat closes TLS connections that never begin their handshake
--EXTENSIONS--
swoole
pcntl
posix
sockets
openssl
--FILE--
<?php
require __DIR__ . '/../inc/server.inc';
require __DIR__ . '/../inc/tls.inc';
$authority = new Authority();
foreach (MODES as $name => $mode) {
    $lines = serve(function ($server, $journal) {
        $server->on('receive', fn ($server, $fd, $reactor, $data) => $server->close($fd, $data === 'reset'));
    }, function ($ports, $journal) use ($name) {
        foreach (['reset', 'order'] as $how) {
            $s = socket_create(AF_INET, SOCK_STREAM, SOL_TCP);
            socket_set_option($s, SOL_SOCKET, SO_RCVTIMEO, ['sec' => 10, 'usec' => 0]);
            while (!@socket_connect($s, '127.0.0.1', $ports[0])) {
                usleep(5000);
            }
            socket_write($s, $how);
            $read = @socket_read($s, 100);
            $journal->record("$name, $how: " . ($read === '' ? 'end' : (socket_last_error($s) === SOCKET_ECONNRESET ? 'reset' : json_encode($read))));
        }
    }, $mode);
    echo implode("\n", $lines), "\n";
    $settings = $authority->pair() + ['heartbeat_check_interval' => 1, 'heartbeat_idle_time' => 1, 'ssl_handshake_timeout' => 3600];
    $lines = serve(function ($server, $journal) use ($settings) {
        $server->set($settings + ['log_level' => SWOOLE_LOG_NONE]);
        $server->on('receive', fn () => null);
    }, function ($ports, $journal) use ($name) {
        $c = connect($ports[0]);
        fread($c, 1);
        $journal->record("$name, silent before the handshake: " . (feof($c) ? 'closed' : 'open'));
    }, $mode, SWOOLE_SOCK_TCP | SWOOLE_SSL);
    echo implode("\n", $lines), "\n";
}
?>
--EXPECT--
process, reset: reset
process, order: end
process, silent before the handshake: closed
base, reset: reset
base, order: end
base, silent before the handshake: closed
