--TEST--
Commands of System::exec start with the default signal mask, keep the order of both outputs, and keep their output when others reap them
--EXTENSIONS--
swoole
pcntl
--FILE--
<?php
use Swoole\Coroutine\System;
use Swoole\Process;
Co\run(function () {
    echo System::exec('sleep 0.01 & wait; echo waited')['output'];
    $killed = System::exec('kill -TERM $$; echo alive');
    echo $killed['output'], 'killed by ', $killed['signal'], "\n";
    echo System::exec('echo 1; echo 2 >&2; echo 3', true)['output'];
    Process::signal(SIGCHLD, function () { while (Process::wait(false)); });
    $lost = 0;
    for ($i = 0; $i < 30; $i++) {
        $result = System::exec("echo $i");
        if (!$result || trim($result['output']) !== "$i") $lost++;
    }
    Process::signal(SIGCHLD, null);
    echo "$lost outputs lost\n";
});
?>
--EXPECT--
waited
killed by 15
1
2
3
0 outputs lost
