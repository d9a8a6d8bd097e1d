--TEST--
Coroutines that create and lock one file get the lock in the order in which they came, and readers do not queue behind a writer
--EXTENSIONS--
swoole
--FILE--
<?php
use Swoole\Coroutine as Co;
$path = sys_get_temp_dir() . '/flock_order' . getmypid();
Co\run(function () use ($path) {
    for ($round = 0; $round < 5; $round++) {
        $order = [];
        $group = new Co\WaitGroup;
        for ($i = 0; $i < 20; $i++) {
            $group->add();
            go(function () use ($i, $path, $group, &$order) {
                $file = fopen($path, 'c');
                flock($file, LOCK_EX);
                $order[] = $i;
                Co::sleep(0.0005);
                flock($file, LOCK_UN);
                $group->done();
            });
        }
        $group->wait();
        unlink($path);
        echo $order === range(0, 19) ? 'in order' : implode(' ', $order), "\n";
    }
    $holder = fopen($path, 'c');
    flock($holder, LOCK_SH);
    $writer = go(function () use ($path) {
        $file = fopen($path, 'c');
        echo flock($file, LOCK_EX) ? "writer\n" : "writer cancelled\n";
    });
    $next = go(function () use ($path) {
        $file = fopen($path, 'c');
        echo flock($file, LOCK_EX) ? "next writer\n" : "none\n";
    });
    // It would never get the lock behind the writer, who waits for this coroutine.
    $reader = fopen($path, 'c');
    echo flock($reader, LOCK_SH) ? "reader\n" : "none\n";
    Co::cancel($writer);
    fclose($reader);
    fclose($holder);
});
unlink($path);
?>
--EXPECT--
in order
in order
in order
in order
in order
reader
writer cancelled
next writer
