--TEST--
swoole_exec, swoole_shell_exec and swoole_gethostbyaddr act like PHP's own, in and outside coroutines
--EXTENSIONS--
swoole
posix
--FILE--
<?php
use Swoole\Coroutine as Co;

$work = function () {
    $output = ['before'];
    var_dump(swoole_exec("printf 'one  \\n\\n two\\t\\nthree '; exit 3", $output, $code), $output, $code);
    var_dump(swoole_exec('true'), swoole_exec('echo last'));
    foreach (["printf 'a\\nb \\n'", 'true', 'exit 4'] as $command) {
        exec($command, $theirs, $status);
        swoole_exec($command, $ours, $code);
        var_dump($theirs === $ours, $status === $code, exec($command) === swoole_exec($command), shell_exec($command) === swoole_shell_exec($command));
    }
    var_dump(swoole_gethostbyaddr('no address'));
};
$work();
Co\run($work);
// Two commands that wait for one another can only finish together.
Co\run(function () {
    $fifo = sys_get_temp_dir() . '/fifo' . getmypid();
    posix_mkfifo($fifo, 0600);
    go(function () use ($fifo) {
        echo 'read ', swoole_shell_exec("cat $fifo");
    });
    go(function () use ($fifo) {
        swoole_exec("echo what the other wrote > $fifo");
    });
    register_shutdown_function(fn () => unlink($fifo));
});
?>
--EXPECT--
string(5) "three"
array(5) {
  [0]=>
  string(6) "before"
  [1]=>
  string(3) "one"
  [2]=>
  string(0) ""
  [3]=>
  string(4) " two"
  [4]=>
  string(5) "three"
}
int(3)
string(0) ""
string(4) "last"
bool(true)
bool(true)
bool(true)
bool(true)
bool(true)
bool(true)
bool(true)
bool(true)
bool(true)
bool(true)
bool(true)
bool(true)
string(10) "no address"
string(5) "three"
array(5) {
  [0]=>
  string(6) "before"
  [1]=>
  string(3) "one"
  [2]=>
  string(0) ""
  [3]=>
  string(4) " two"
  [4]=>
  string(5) "three"
}
int(3)
string(0) ""
string(4) "last"
bool(true)
bool(true)
bool(true)
bool(true)
bool(true)
bool(true)
bool(true)
bool(true)
bool(true)
bool(true)
bool(true)
bool(true)
string(10) "no address"
read what the other wrote
