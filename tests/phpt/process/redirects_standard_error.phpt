--TEST--
redirect_stdin_stdout covers standard error
--EXTENSIONS--
swoole
--FILE--
<?php
$process = new Swoole\Process(function () { fwrite(STDERR, "err\n"); echo "out\n"; }, true);
$process->start();
Swoole\Process::wait();
echo json_encode($process->read()), "\n";
?>
--EXPECT--
"err\nout\n"
