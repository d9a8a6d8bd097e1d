--TEST--
Packets cut by end of line, by length and by a function; what is too long breaks the connection off
--EXTENSIONS--
swoole
pcntl
posix
--FILE--
<?php
require __DIR__ . '/../inc/server.inc';
foreach (MODES as $name => $mode) {
    echo "$name\n", implode("\n", serve(function ($server, $tale) {
        $server->set(['open_eof_split' => true, 'package_eof' => "\r\n", 'package_max_length' => 70000]);
        $check = $server->listen('127.0.0.1', 0, SWOOLE_SOCK_TCP);
        $check->set(['open_eof_split' => false, 'open_eof_check' => true, 'package_eof' => "\n"]);
        $length = $server->listen('127.0.0.1', 0, SWOOLE_SOCK_TCP);
        $length->set(['open_eof_split' => false, 'open_length_check' => true, 'package_length_type' => 'n', 'package_length_offset' => 1, 'package_body_offset' => 3]);
        $func = $server->listen('127.0.0.1', 0, SWOOLE_SOCK_TCP);
        $func->set(['open_eof_split' => false, 'open_length_check' => true, 'package_length_func' => fn ($data) => strlen($data) < 2 ? 0 : (ctype_digit($data[0]) ? 1 + (int) $data[0] : -1)]);
        $server->on('receive', fn ($server, $fd, $reactor, $data) => $server->send($fd, '[' . (strlen($data) > 100 ? strlen($data) : addcslashes($data, "\0..\37")) . ']'));
    }, function ($ports, $tale) {
        [$split, $check, $length, $func] = array_map(fn ($port) => connect($port), $ports);
        fwrite($split, "one\r\ntwo\r\nthr");
        $tale->tell('split ' . read_all($split, 18));
        usleep(20000);
        $tale->tell('split ' . ask($split, "ee\r\n"));
        $tale->tell('split, long ' . ask($split, str_repeat('l', 60000) . "\r\n"));
        $tale->tell('split, too long ' . json_encode([@ask($split, str_repeat('l', 80000)), feof($split)]));
        $tale->tell('check ' . ask($check, "one\ntwo\n"));
        fwrite($length, "x\0\3abcy\0\1");
        $tale->tell('length ' . read_all($length, 17));
        $tale->tell('length ' . ask($length, 'z'));
        fwrite($func, '3abc2de');
        $tale->tell('function ' . read_all($func, 11));
        $tale->tell('function, refused ' . json_encode([@ask($func, 'xx'), feof($func)]));
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
