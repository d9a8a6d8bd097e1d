--TEST--
Server::send works from any process, at once, and refuses with the right error
--EXTENSIONS--
swoole
pcntl
posix
--FILE--
<?php
require __DIR__ . '/../inc/server.inc';
foreach (MODES as $name => $mode) {
    echo "$name\n", implode("\n", serve(function ($server, $journal) {
        $server->set(['worker_num' => 2, 'task_worker_num' => 1, 'open_eof_split' => true, 'package_eof' => "\n"]);
        $server->on('task', function ($server, $id, $from, $fd) {
            return $server->send($fd, "from the task worker\n");
        });
        $server->on('receive', function ($server, $fd, $reactor, $data) use ($journal) {
            switch (trim($data)) {
                case 'echo':
                    return $server->send($fd, $data);
                case 'big':
                    return $server->send($fd, str_repeat('x', 3_000_000));
                case 'task':
                    return $server->task($fd);
                case 'early':
                    $server->send($fd, "early\n");
                    // A worker that keeps running does not hold back sent data.
                    return sleep(1) ?: $server->send($fd, "late\n");
                case 'bad':
                    foreach (['no such fd' => 9999, 'zero' => 0, 'negative' => -5, 'text' => 'abc'] as $what => $to) {
                        swoole_clear_error();
                        $journal->record("$what: " . json_encode(@$server->send($to, 'x')) . ' ' . swoole_last_error());
                    }
                    swoole_clear_error();
                    $journal->record('nothing: ' . json_encode($server->send($fd, '')) . ' ' . swoole_last_error());
                    swoole_clear_error();
                    return $server->send((string) $fd, "sent to a text of digits\n");
            }
        });
    }, function ($ports, $journal) {
        $c = connect($ports[0]);
        $journal->record(trim(ask($c, "echo\n")));
        fwrite($c, "big\n");
        $journal->record('big: ' . json_encode(read_all($c, 3_000_000) === str_repeat('x', 3_000_000)));
        $journal->record(trim(ask($c, "task\n")));
        $journal->record(trim(ask($c, "bad\n")));
        $begin = microtime(true);
        $first = ask($c, "early\n");
        $early = microtime(true) - $begin;
        $second = fread($c, 100);
        $journal->record(trim($first) . ', before ' . trim($second) . ': ' . json_encode($early < microtime(true) - $begin - 0.5));
    }, $mode)), "\n";
}
?>
--EXPECT--
process
echo
big: true
from the task worker
no such fd: false 1005
zero: false 503
negative: false 503
text: false 503
nothing: false 550
sent to a text of digits
early, before late: true
base
echo
big: true
from the task worker
no such fd: false 1005
zero: false 503
negative: false 503
text: false 503
nothing: false 550
sent to a text of digits
early, before late: true
