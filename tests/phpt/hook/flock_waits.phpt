--TEST--
flock() in a coroutine lets others run while it waits, between coroutines and processes
--EXTENSIONS--
swoole
pcntl
--FILE--
<?php
$path = tempnam(sys_get_temp_dir(), 'flock');
Co\run(function () use ($path) {
    $order = [];
    $checked = false;
    $group = new Co\WaitGroup();
    for ($i = 0; $i < 3; $i++) {
        $group->add();
        go(function () use ($i, $path, $group, &$order, &$checked) {
            $file = fopen($path, 'c');
            if (flock($file, LOCK_EX)) $order[] = "in $i";
            do Co::sleep(0.005); while (!$checked);
            $order[] = "out $i";
            flock($file, LOCK_UN);
            $group->done();
        });
    }
    // One of them holds it until this coroutine has looked.
    while (!$order) Co::sleep(0.001);
    $file = fopen($path, 'c');
    var_dump(flock($file, LOCK_EX | LOCK_NB, $blocks), $blocks);
    $checked = true;
    $group->wait();
    var_dump(flock($file, LOCK_EX));
    for ($i = 0; $i < 6; $i += 2) {
        // One holder at a time.
        var_dump(substr($order[$i], 3) === substr($order[$i + 1], 4));
    }
    flock($file, LOCK_UN);
    $readers = 0;
    for ($i = 0; $i < 2; $i++) {
        go(function () use ($path, &$readers) {
            $file = fopen($path, 'c');
            flock($file, LOCK_SH);
            $readers++;
            while ($readers < 2) Co::sleep(0.001);
            echo "$readers readers at once\n";
        });
    }
});
$file = fopen($path, 'c');
flock($file, LOCK_EX);
[$ours, $theirs] = stream_socket_pair(STREAM_PF_UNIX, STREAM_SOCK_STREAM, 0);
if (!$child = pcntl_fork()) {
    $own = fopen($path, 'c');
    Co\run(function () use ($own, $theirs) {
        go(function () use ($own) {
            flock($own, LOCK_EX);
            echo "the child has it\n";
        });
        fwrite($theirs, 'w');
    });
    exit;
}
fread($ours, 1);
echo "the parent releases it\n";
flock($file, LOCK_UN);
pcntl_waitpid($child, $status);
unlink($path);
?>
--EXPECT--
bool(false)
int(1)
bool(true)
bool(true)
bool(true)
bool(true)
2 readers at once
2 readers at once
the parent releases it
the child has it
