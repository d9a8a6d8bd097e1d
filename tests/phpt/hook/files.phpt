--TEST--
File operations and commands run in the background while other coroutines run
--EXTENSIONS--
swoole
--SKIPIF--
<?php extension_loaded('sockets') || die('skip sockets is needed'); ?>
--FILE--
<?php
use Swoole\Coroutine as Co;
use Swoole\Coroutine\System;
Co\run(function () {
    $ticks = 0;
    $t = go(function () use (&$ticks) { while (Co::sleep(0.002)) $ticks++; });
    $f = tempnam(sys_get_temp_dir(), 'co');
    var_dump(System::writeFile($f, 'abc'), System::writeFile($f, 'def', FILE_APPEND), System::readFile($f), System::writeFile($f, 'x'), System::readFile($f));
    var_dump(@System::readFile("$f.none"));
    unlink($f);
    $r = System::exec('sleep 0.05; echo out; exit 3');
    echo json_encode($r), "\n";
    echo json_encode(System::exec('kill -9 $$')), "\n";
    var_dump(System::gethostbyname('localhost'), System::gethostbyname('127.0.0.1'), count(System::getaddrinfo('localhost')) > 0);
    var_dump(array_keys(System::statvfs('/')));
    $pair = stream_socket_pair(STREAM_PF_UNIX, STREAM_SOCK_STREAM, 0);
    go(function () use ($pair) { Co::sleep(0.005); fwrite($pair[1], 'x'); });
    var_dump(System::waitEvent($pair[0], SWOOLE_EVENT_READ, 1), System::waitEvent($pair[0], SWOOLE_EVENT_WRITE, 1));
    fread($pair[0], 1);
    var_dump(System::waitEvent($pair[0], SWOOLE_EVENT_READ, 0.01), swoole_last_error() === SOCKET_ETIMEDOUT);
    go(function () { Co::sleep(0.005); posix_kill(getmypid(), SIGUSR1); });
    var_dump(System::waitSignal(SIGUSR1, 1) === SIGUSR1, System::waitSignal(SIGUSR2, 0.005));
    echo $ticks > 10 ? 'others ran' : "only $ticks ticks", "\n";
    Co::cancel($t);
});
?>
--EXPECT--
int(3)
int(3)
string(6) "abcdef"
int(1)
string(1) "x"
bool(false)
{"code":3,"signal":0,"output":"out\n"}
{"code":0,"signal":9,"output":""}
string(9) "127.0.0.1"
string(9) "127.0.0.1"
bool(true)
array(11) {
  [0]=>
  string(5) "bsize"
  [1]=>
  string(6) "frsize"
  [2]=>
  string(6) "blocks"
  [3]=>
  string(5) "bfree"
  [4]=>
  string(6) "bavail"
  [5]=>
  string(5) "files"
  [6]=>
  string(5) "ffree"
  [7]=>
  string(6) "favail"
  [8]=>
  string(4) "fsid"
  [9]=>
  string(4) "flag"
  [10]=>
  string(7) "namemax"
}
int(512)
int(1024)
bool(false)
bool(true)
bool(true)
bool(false)
others ran
