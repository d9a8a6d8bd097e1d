--TEST--
exec, shell_exec, system, passthru, backticks, popen and proc_open let other coroutines run while they wait
--EXTENSIONS--
swoole
posix
pcntl
--FILE--
<?php
use Swoole\Coroutine as Co;
use Swoole\Process;

$fifo = sys_get_temp_dir() . '/processes' . getmypid();
$main = getmypid();
register_shutdown_function(fn () => $main === getmypid() && array_map('unlink', glob("$fifo*")));
// Each waits for what another coroutine writes, so that none ends if one of them blocks the process.
$ways = [
    'exec' => fn ($from) => exec("cat $from; exit 3", $lines, $code) . " $code",
    'shell_exec' => fn ($from) => shell_exec("cat $from"),
    'backticks' => fn ($from) => `cat $from`,
    'system' => function ($from) { ob_start(); $last = system("cat $from; exit 4", $code); return ob_get_clean() . "$last $code"; },
    'passthru' => function ($from) { ob_start(); passthru("cat $from; exit 5", $code); return ob_get_clean() . $code; },
    'popen' => function ($from) { $h = popen("cat $from; exit 6", 'r'); return fgets($h) . ' ' . pclose($h); },
    'pclose' => fn ($from) => pclose(popen("exec >/dev/null; read line < $from; exit 7", 'r')),
    'popen for writing' => function ($from) use ($fifo) { $h = popen("cat $from - > '$fifo.copy'; exit 8", 'w'); fwrite($h, ' and more'); return pclose($h) . file_get_contents("$fifo.copy"); },
    'proc_close' => fn ($from) => proc_close(proc_open("read line < $from; exit 9", [], $pipes)),
    'pipes of proc_open' => function ($from) {
        $p = proc_open("cat $from; cat; echo late >&2; exit 10", [['pipe', 'r'], ['pipe', 'w'], ['pipe', 'w']], $pipes);
        fwrite($pipes[0], ', from a pipe');
        fclose($pipes[0]);
        return stream_get_contents($pipes[1]) . trim(stream_get_contents($pipes[2])) . proc_close($p);
    },
    'status' => function ($from) {
        $p = proc_open("read line < $from; kill -9 $$", [], $pipes);
        $running = proc_get_status($p)['running'];
        while (($s = proc_get_status($p))['running']) Co::sleep(0.002);
        return json_encode([$running, $s['signaled'], $s['termsig']]);
    },
    'terminate' => function ($from) {
        $p = proc_open("exec cat $from", [], $pipes);
        Co::sleep(0.001);
        return json_encode([proc_terminate($p, SIGKILL), proc_close($p)]);
    },
];
foreach (array_keys($ways) as $name) posix_mkfifo("$fifo.$name", 0600);
Co\run(function () use ($ways, $fifo) {
    $answers = [];
    $group = new Co\WaitGroup();
    foreach ($ways as $name => $way) {
        $group->add();
        go(function () use ($name, $way, $fifo, $group, &$answers) {
            $answers[$name] = $way(escapeshellarg("$fifo.$name"));
            $group->done();
        });
    }
    unset($answers['terminate']);
    echo 'before: ', count($answers), " done\n";
    foreach (array_reverse(array_keys($ways)) as $name) {
        if ($name !== 'terminate') file_put_contents("$fifo.$name", "to $name");
    }
    $group->wait();
    foreach ($ways as $name => $way) echo "$name: ", $answers[$name], "\n";
});

echo "A handler that waits for any child takes no command's exit code\n";
Co\run(function () use ($fifo) {
    posix_mkfifo("$fifo.go", 0600);
    $own = new Process(function ($process) { $process->read(); exit(1); });
    $own->start();
    $seen = [];
    Process::signal(SIGCHLD, function () use (&$seen) {
        while ($ended = Process::wait(false)) $seen[] = $ended['code'];
        while (($pid = pcntl_wait($status, WNOHANG)) > 0) $seen[] = pcntl_wexitstatus($status);
    });
    $group = new Co\WaitGroup();
    $codes = [];
    foreach (['exec' => fn () => exec('exit 21', $l, $code) . $code, 'proc' => fn () => proc_close(proc_open("read x < $fifo.go; exit 22", [], $pipes)), 'popen' => fn () => pclose(popen('exit 23', 'r'))] as $name => $way) {
        $group->add();
        go(function () use ($name, $way, $group, &$codes) { $codes[$name] = $way(); $group->done(); });
    }
    file_put_contents("$fifo.go", "x\n");
    $group->wait();
    $own->write('end');
    while (!$seen) Co::sleep(0.002);
    ksort($codes);
    echo json_encode([$codes, $seen]), "\n";
    // Children of proc_open that the handler meets before anyone asks for their codes.
    $early = [proc_open("read x < $fifo.go; exit 24", [], $pipes), proc_open('exit 25', [], $pipes)];
    $pid = proc_get_status($early[0])['pid'];
    file_put_contents("$fifo.go", "x\n");
    $own = new Process(fn () => exit(2));
    $own->start();
    while (count($seen) < 2) Co::sleep(0.002);
    for (; is_dir("/proc/$pid"); clearstatcache()) {
        posix_kill(getmypid(), SIGCHLD);
        Co::sleep(0.002);
    }
    echo json_encode([proc_close($early[0]), proc_close($early[1]), $seen]), "\n";
    Process::signal(SIGCHLD, null);
});

echo "A cancelled wait ends\n";
Co\run(function () use ($fifo) {
    $id = go(function () use ($fifo) { var_dump(exec("read x < $fifo.exec; echo late")); });
    var_dump(Co::cancel($id));
});
var_dump(getmypid() === $main);
?>
--EXPECT--
before: 0 done
exec: to exec 3
shell_exec: to shell_exec
backticks: to backticks
system: to systemto system 4
passthru: to passthru5
popen: to popen 6
pclose: 7
popen for writing: 8to popen for writing and more
proc_close: 9
pipes of proc_open: to pipes of proc_open, from a pipelate10
status: [true,true,9]
terminate: [true,9]
A handler that waits for any child takes no command's exit code
[{"exec":"21","popen":23,"proc":22},[1]]
[24,25,[1,2]]
A cancelled wait ends
string(0) ""
bool(true)
bool(true)
