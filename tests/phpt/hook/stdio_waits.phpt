--TEST--
Reading standard input and pipes, and writing to a full pipe, lets other coroutines run
--EXTENSIONS--
swoole
--FILE--
<?php
use Swoole\Coroutine as Co;
$ways = [
    'fgets(STDIN)' => 'fgets(STDIN)',
    'fread of php://stdin' => 'fread(fopen("php://stdin", "r"), 100)',
    'file of php://fd/0' => 'implode("|", file("php://fd/0", FILE_IGNORE_NEW_LINES))',
    'stream_get_contents' => 'stream_get_contents(STDIN)',
    'stream_select' => '(function () { $r = [STDIN]; $w = $e = null; return stream_select($r, $w, $e, 60) . fgets(STDIN); })()',
];
// The child tells that another of its coroutines runs only while the first waits for input.
$code = 'Co\run(function () { go(function () { $line = trim(%s); echo "[$line]\n"; }); echo "others run\n"; });';
$php = 'exec ' . (getenv('TEST_PHP_EXECUTABLE') ?: PHP_BINARY) . ' ' . getenv('TEST_PHP_EXTRA_ARGS') . ' -r ';
foreach ($ways as $name => $way) {
    $child = proc_open($php . escapeshellarg(sprintf($code, $way)), [['pipe', 'r'], ['pipe', 'w']], $pipes);
    $line = fgets($pipes[1]);
    fwrite($pipes[0], "one\ntwo\n");
    fclose($pipes[0]);
    echo "$name: ", trim($line), ' ', str_replace("\n", ' ', trim(stream_get_contents($pipes[1]))), "\n";
    proc_close($child);
}
Co\run(function () {
    $child = proc_open('cat', [['pipe', 'r'], ['pipe', 'w']], $pipes);
    $text = str_repeat('0123456789', 100_000);
    go(function () use ($pipes, $text) {
        $written = fwrite($pipes[0], $text);
        fclose($pipes[0]);
        echo "written $written\n";
    });
    echo "the pipe is full\n";
    $back = stream_get_contents($pipes[1]);
    echo 'read back ', $back === $text ? 'whole' : 'in part', "\n";
    proc_close($child);
    // Two readers of one pipe, and a close under a reader.
    $child = proc_open('cat', [['pipe', 'r'], ['pipe', 'w']], $pipes);
    go(function () use ($pipes) { $line = fgets($pipes[1]); echo 'closed under the reader: ', json_encode($line), "\n"; });
    try {
        fgets($pipes[1]);
    } catch (Error $e) {
        echo get_class($e), ' names coroutine ', preg_match('/another coroutine#\d+, reading/', $e->getMessage()), "\n";
    }
    fclose($pipes[1]);
    fclose($pipes[0]);
    proc_close($child);
    // Without blocking PHP's own rules apply.
    $child = proc_open('cat', [['pipe', 'r'], ['pipe', 'w']], $pipes);
    stream_set_blocking($pipes[1], false);
    var_dump(fgets($pipes[1]));
    fclose($pipes[0]);
    proc_close($child);
});
?>
--EXPECT--
fgets(STDIN): others run [one]
fread of php://stdin: others run [one two]
file of php://fd/0: others run [one|two]
stream_get_contents: others run [one two]
stream_select: others run [1one]
the pipe is full
written 1000000
read back whole
Error names coroutine 1
closed under the reader: false
bool(false)
