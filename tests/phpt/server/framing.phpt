--TEST--
Packets are framed by separator, by length and by a function; an oversized one closes the connection
--EXTENSIONS--
swoole
pcntl
posix
--FILE--
<?php
require __DIR__ . '/../inc/server.inc';
foreach (MODES as $name => $mode) {
    echo "$name\n", implode("\n", serve(function ($server, $journal) {
        $server->set(['open_eof_split' => true, 'package_eof' => "\r\n", 'package_max_length' => 70000]);
        $check = $server->listen('127.0.0.1', 0, SWOOLE_SOCK_TCP);
        $check->set(['open_eof_split' => false, 'open_eof_check' => true, 'package_eof' => "\n"]);
        $length = $server->listen('127.0.0.1', 0, SWOOLE_SOCK_TCP);
        $length->set(['open_eof_split' => false, 'open_length_check' => true, 'package_length_type' => 'n', 'package_length_offset' => 1, 'package_body_offset' => 3]);
        $func = $server->listen('127.0.0.1', 0, SWOOLE_SOCK_TCP);
        $func->set(['open_eof_split' => false, 'open_length_check' => true, 'package_length_func' => fn ($data) => strlen($data) < 2 ? 0 : (ctype_digit($data[0]) ? 1 + (int) $data[0] : -1)]);
        $server->on('receive', fn ($server, $fd, $reactor, $data) => $server->send($fd, '[' . (strlen($data) > 100 ? strlen($data) : addcslashes($data, "\0..\37")) . ']'));
    }, function ($ports, $journal) {
        [$split, $check, $length, $func] = array_map(fn ($port) => connect($port), $ports);
        fwrite($split, "one\r\ntwo\r\nthr");
        $journal->record('split ' . read_all($split, 18));
        usleep(20000);
        $journal->record('split ' . ask($split, "ee\r\n"));
        $journal->record('split, long ' . ask($split, str_repeat('l', 60000) . "\r\n"));
        $journal->record('split, too long ' . json_encode([@ask($split, str_repeat('l', 80000)), feof($split)]));
        $journal->record('check ' . ask($check, "one\ntwo\n"));
        fwrite($length, "x\0\3abcy\0\1");
        $journal->record('length ' . read_all($length, 17));
        $journal->record('length ' . ask($length, 'z'));
        fwrite($func, '3abc2de');
        $journal->record('function ' . read_all($func, 11));
        $journal->record('function, refused ' . json_encode([@ask($func, 'xx'), feof($func)]));
    }, $mode)), "\n";
}
?>
--EXPECT--
process
split [one\r\n][two\r\n]
split [three\r\n]
split, long [60002]
split, too long ["",true]
check [one\ntwo\n]
length [x\000\003abc]
length [y\000\001z]
function [3abc][2de]
function, refused ["",true]
base
split [one\r\n][two\r\n]
split [three\r\n]
split, long [60002]
split, too long ["",true]
check [one\ntwo\n]
length [x\000\003abc]
length [y\000\001z]
function [3abc][2de]
function, refused ["",true]
