--TEST--
open_mqtt_protocol delivers each MQTT packet complete, and malformed input closes its connection
--EXTENSIONS--
swoole
posix
pcntl
--FILE--
<?php
require __DIR__ . '/../inc/server.inc';

function packet(int $first, string $body): string
{
    for ($length = strlen($body), $bytes = ''; ; ) {
        $low = $length % 128;
        $length = intdiv($length, 128);
        $bytes .= chr($length > 0 ? $low | 128 : $low);
        if ($length === 0) return chr($first) . $bytes . $body;
    }
}
foreach (MODES as $name => $mode) {
    echo "$name\n";
    echo implode("\n", serve(function ($server) {
        $server->set(['open_mqtt_protocol' => true, 'package_max_length' => 100_000]);
        $server->on('receive', fn ($server, $fd, $reactor, $data) => $server->send($fd, dechex(ord($data[0])) . ' ' . strlen($data) . "\n"));
    }, function ($ports, $journal) {
        $c = connect($ports[0]);
        foreach (str_split(packet(0x10, str_repeat('c', 20)), 3) as $part) {
            fwrite($c, $part);
            usleep(2000);
        }
        $journal->record(trim(fgets($c)));
        fwrite($c, packet(0xC0, '') . packet(0x3B, str_repeat('p', 128)) . packet(0x82, str_repeat('s', 20000)));
        for ($i = 0; $i < 3; $i++) $journal->record(trim(fgets($c)));
        foreach (['no such type' => "\x00\x00", 'flags' => "\x80\x00", 'too long' => "\x30\xFF\xFF\xFF\x7F"] as $what => $bytes) {
            $bad = connect($ports[0]);
            fwrite($bad, $bytes);
            $journal->record("$what: " . ((string) @fread($bad, 10) === '' ? 'nothing' : 'data') . (feof($bad) ? ' closed' : ' open'));
        }
        fwrite($c, packet(0xE0, ''));
        $journal->record(trim(fgets($c)));
    }, $mode)), "\n";
}
?>
--EXPECT--
process
10 22
c0 2
3b 131
82 20004
no such type: nothing closed
flags: nothing closed
too long: nothing closed
e0 2
base
10 22
c0 2
3b 131
82 20004
no such type: nothing closed
flags: nothing closed
too long: nothing closed
e0 2
