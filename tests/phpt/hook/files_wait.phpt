--TEST--
File functions give in coroutines what they give outside, from a cold cache too, and named pipes let others run
--EXTENSIONS--
swoole
posix
--FILE--
<?php
use Swoole\Coroutine as Co;

$work = function (string $dir) {
    $f = "$dir/file";
    yield 'mkdir' => [mkdir($dir), @mkdir($dir), mkdir("$dir/a/b", 0700, true)];
    yield 'write' => [file_put_contents($f, "one\ntwo\n"), file_put_contents($f, "three\n", FILE_APPEND), file_put_contents($f, "4\n", FILE_APPEND | LOCK_EX)];
    yield 'read' => [file_get_contents($f), file_get_contents($f, offset: 4, length: 3), file($f, FILE_IGNORE_NEW_LINES), @file_get_contents("$f.none")];
    $h = fopen($f, 'r+');
    yield 'handle' => [fgets($h), ftell($h), fseek($h, 0), fread($h, 3), fstat($h)['size'], feof($h), fseek($h, 0, SEEK_END), fwrite($h, 'end'), fflush($h), fsync($h), fdatasync($h), ftruncate($h, 5), rewind($h), stream_get_contents($h), feof($h), fclose($h)];
    yield 'modes' => [is_resource(fopen("$dir/x", 'x')), @fopen("$dir/x", 'x'), is_resource(fopen("$dir/x", 'c')), filesize("$dir/x"), @fopen("$dir/none", 'r'), @fopen("$dir/none/x", 'w'), is_resource(fopen($dir, 'r'))];
    yield 'copy' => [copy($f, "$f.copy"), file_get_contents("$f.copy"), rename("$f.copy", "$f.moved"), @rename("$f.copy", "$f.moved"), is_file("$f.moved"), unlink("$f.moved"), @unlink("$f.moved")];
    yield 'lists' => [scandir($dir), array_map('basename', glob("$dir/*")), @scandir("$dir/none"), iterator_count(new FilesystemIterator($dir))];
    $d = opendir($dir);
    $names = [];
    while (($name = readdir($d)) !== false) $names[] = $name;
    sort($names);
    rewinddir($d);
    yield 'directory' => [$names, is_string(readdir($d)), closedir($d)];
    $s = new SplFileObject("$dir/spl", 'w+');
    yield 'spl' => [$s->fwrite("a,b\nc,d\n"), $s->flock(LOCK_EX), $s->ftruncate(4), $s->rewind(), $s->fgetcsv(',', '"', ''), $s->eof()];
    yield 'csv' => [fputcsv($h = fopen("$dir/csv", 'w+'), ['a b', 'c"d'], escape: ''), rewind($h), fgetcsv($h, escape: '')];
    yield 'large' => [file_put_contents("$dir/large", $text = str_repeat('0123456789abcdef', 50_000)), sha1_file("$dir/large") === sha1($text), filesize("$dir/large")];
    file_put_contents("$dir/code.php", '<?php return 6 * 7;');
    yield 'include' => [include "$dir/code.php", @include "$dir/none.php"];
    file_put_contents("$dir/ini", "a = 1\n[b]\nc = on\n");
    yield 'others' => [parse_ini_file("$dir/ini", true), strlen(file_get_contents('/dev/urandom', length: 5)), file_put_contents('/dev/null', 'x'), file_get_contents('/dev/null')];
    $t = tmpfile();
    $n = tempnam($dir, 'tmp');
    yield 'temporary' => [fwrite($t, 'abc'), rewind($t), fread($t, 9), is_file($n), unlink($n)];
    foreach (['x', 'spl', 'csv', 'large', 'code.php', 'ini', 'file'] as $name) unlink("$dir/$name");
    yield 'rmdir' => [@rmdir($dir), rmdir("$dir/a/b"), rmdir("$dir/a"), rmdir($dir), is_dir($dir)];
};
$dir = sys_get_temp_dir() . '/files' . getmypid();
$outside = iterator_to_array($work($dir));
Co\run(function () use ($work, $dir, $outside) {
    foreach ($work($dir) as $name => $facts) {
        if ($facts !== $outside[$name]) echo "$name: ", json_encode([$facts, $outside[$name]]), "\n";
    }
    echo count($outside), " groups compared\n";
});
Co\run(function () use ($dir) {
    $f = "$dir.cold";
    file_put_contents($f, $text = random_bytes(300_000));
    fsync(fopen($f, 'r'));
    $cold = [];
    for ($i = 0; $i < 4; $i++) {
        // Removes the file from the page cache, where its file system allows that.
        exec('dd iflag=nocache count=0 status=none if=' . escapeshellarg($f));
        go(function () use ($f, $i, &$cold) { $cold[$i] = strlen(file_get_contents($f)); });
    }
    while (count($cold) < 4) Co::sleep(0.001);
    echo array_sum($cold), " bytes\n";
    var_dump(file_get_contents($f) === $text);
    unlink($f);
});
Co\run(function () use ($dir) {
    posix_mkfifo("$dir.fifo", 0600);
    go(function () use ($dir) { $text = file_get_contents("$dir.fifo"); echo "read $text\n"; });
    echo "the reader waits for a writer\n";
    $h = fopen("$dir.fifo", 'w');
    fwrite($h, 'the first part');
    Co::sleep(0.001);
    fwrite($h, ' and the rest');
    fclose($h);
});
unlink("$dir.fifo");
// A file that is closed while another coroutine writes to it, reads it or syncs it.
Co\run(function () use ($dir) {
    $text = str_repeat('x', 8_000_000);
    foreach (['write' => fn ($h) => fwrite($h, $text), 'sync' => fn ($h) => fsync($h), 'truncate' => fn ($h) => ftruncate($h, 5), 'read' => fn ($h) => fread($h, 1000), 'lock' => fn ($h) => flock($h, LOCK_EX)] as $name => $use) {
        $other = fopen("$dir.closed", 'w+');
        flock($other, LOCK_EX);
        $h = fopen("$dir.closed", 'r+');
        $done = false;
        go(function () use ($use, $h, &$done) { $use($h); $done = true; });
        go(function () use ($use, $h) { $use($h); });
        fclose($h);
        echo "$name: ", $done ? 'ended' : 'still waits', "\n";
        fclose($other);
    }
    unlink("$dir.closed");
});
?>
--EXPECT--
15 groups compared
1200000 bytes
bool(true)
the reader waits for a writer
read the first part and the rest
write: ended
sync: ended
truncate: ended
read: ended
lock: ended
