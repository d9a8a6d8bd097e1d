--TEST--
A child forked in a coroutine has its own loop and only the coroutine that forked
--EXTENSIONS--
swoole
--SKIPIF--
<?php extension_loaded('pcntl') || die('skip pcntl is needed'); ?>
--FILE--
<?php
use Swoole\Coroutine as Co;
Co\run(function () {
    $ticks = 0;
    $ticker = go(function () use (&$ticks) { while (Co::sleep(0.002)) $ticks++; });
    $seen = [];
    for ($i = 0; $i < 5; $i++) {
        $pair = stream_socket_pair(STREAM_PF_UNIX, STREAM_SOCK_STREAM, 0);
        if (($pid = pcntl_fork()) === 0) {
            $sum = 0;
            for ($k = 1; $k <= 3; $k++) go(function () use ($k, &$sum) { Co::sleep(0.002 * $k); $sum += $k; });
            Co::sleep(0.03);
            fwrite($pair[1], "child $i sum $sum num " . Co::stats()['coroutine_num'] . ' ticker ' . var_export(Co::exists($ticker), true));
            posix_kill(getmypid(), SIGKILL);
        }
        fclose($pair[1]);
        Co\System::waitEvent($pair[0], SWOOLE_EVENT_READ, 2);
        $seen[] = fread($pair[0], 100);
        $gone = Co\System::waitPid($pid, 2);
        $seen[] = $gone['pid'] === $pid && $gone['signal'] === 9 ? 'reaped' : 'lost';
    }
    echo implode("\n", $seen), "\n", $ticks > 20 ? 'parent went on' : "only $ticks", "\n";
    Co::cancel($ticker);
    // The child of a Process ends at its exit, in a coroutine or not.
    foreach ([fn () => exit(7), fn () => print("ends\n"), function () { go(fn () => Co::sleep(0.01) && print("waits\n")); }, function () { throw new Exception('thrown'); }] as $end) {
        $process = new Swoole\Process(function () use ($end) {
            ini_set('display_errors', '0');
            ini_set('log_errors', '0');
            $end();
        });
        $process->start();
        echo Co\System::waitPid($process->pid, 5)['code'], "\n";
    }
    // It ends when everything that it started is over, wherever it waited first; with its own coroutine too.
    foreach ([false, true] as $apart) {
        $process = new Swoole\Process(function () {
            Co::sleep(0.01);
            go(fn () => Co::sleep(0.01) && print("last\n"));
        }, false, 0, $apart);
        $process->start();
        echo Co\System::waitPid($process->pid, 5)['code'], "\n";
    }
    // exit is not an exception where the child began.
    if (($pid = pcntl_fork()) === 0) {
        try {
            Co::sleep(0.01);
            exit(9);
        } catch (Swoole\ExitException) {
            echo "caught\n";
        }
    }
    echo Co\System::waitPid($pid, 5)['code'], "\n";
    // A signal that arrives at once, and one that the parent handles.
    Swoole\Process::signal(SIGUSR1, fn () => print("the parent's\n"));
    foreach ([SIGTERM, SIGUSR1] as $signal) {
        if (($pid = pcntl_fork()) === 0) {
            Co::sleep(10);
        }
        posix_kill($pid, $signal);
        echo Co\System::waitPid($pid, 5)['signal'] === $signal ? 'killed' : 'lives on', "\n";
    }
    $process = new Swoole\Process(fn () => Co::sleep(10));
    posix_kill($process->start(), SIGUSR1);
    echo Co\System::waitPid($process->pid, 5)['signal'] === SIGUSR1 ? 'killed' : 'lives on', "\n";
    Swoole\Process::signal(SIGUSR1, null);
    // A socket that the parent waits for is usable in the child, in its own event queue.
    $pair = stream_socket_pair(STREAM_PF_UNIX, STREAM_SOCK_STREAM, 0);
    $ours = Co\Socket::import($pair[0]);
    go(function () use ($ours) {
        while ($said = $ours->recv(100, 5)) {
            echo "the parent got $said\n";
        }
    });
    // The parent's event queue has watched this one.
    [$near, $far] = array_map(Co\Socket::import(...), stream_socket_pair(STREAM_PF_UNIX, STREAM_SOCK_STREAM, 0));
    $near->recv(1, 0.001);
    // And a read of this one emptied it.
    $listens = stream_socket_server('tcp://127.0.0.1:0');
    $dry = new Co\Socket(AF_INET, SOCK_STREAM);
    $dry->connect('127.0.0.1', (int) substr(strrchr(stream_socket_get_name($listens, false), ':'), 1));
    $wets = stream_socket_accept($listens);
    go(fn () => Co::sleep(0.005) && fwrite($wets, 'x'));
    $dry->recv(100, 5);
    if (($pid = pcntl_fork()) === 0) {
        go(fn () => Co::sleep(0.01) && $far->send('c'));
        $got = $near->recv(1, 5);
        go(fn () => Co::sleep(0.01) && fwrite($wets, 'd'));
        $got .= $dry->recv(100, 5);
        $theirs = Co\Socket::import($pair[1]);
        $theirs->send("a$got");
        Co::sleep(0.02);
        posix_kill(getmypid(), SIGKILL);
    }
    Co\System::waitPid($pid, 5);
    fwrite($pair[1], 'b');
    Co::sleep(0.02);
    $ours->cancel();
});
// After the loop the child continues the script, like its parent.
$parent = getmypid();
Co\run(function () use (&$pid) {
    $pid = pcntl_fork();
    Co::sleep(0.01);
});
if (getmypid() !== $parent) {
    echo "the child goes on\n";
    exit;
}
pcntl_waitpid($pid, $status);
echo "the parent goes on\n";
?>
--EXPECT--
child 0 sum 6 num 1 ticker false
reaped
child 1 sum 6 num 1 ticker false
reaped
child 2 sum 6 num 1 ticker false
reaped
child 3 sum 6 num 1 ticker false
reaped
child 4 sum 6 num 1 ticker false
reaped
parent went on
7
ends
0
waits
0
255
last
0
last
0
9
killed
killed
killed
the parent got acd
the parent got b
the child goes on
the parent goes on
