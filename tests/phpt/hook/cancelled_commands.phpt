--TEST--
A cancelled exec, shell_exec, system, passthru or System::exec ends its command; no cancelled or forgotten child stays a zombie
--EXTENSIONS--
swoole
--FILE--
<?php
use Swoole\Coroutine as Co;
/** The states of this process's children, as ps(1) shows them, by pid. */
function children(): array
{
    $found = [];
    foreach (glob('/proc/[0-9]*/stat') as $file) {
        $stat = @file_get_contents($file);
        [$state, $parent] = $stat === false ? ['', 0] : explode(' ', trim(strrchr($stat, ')'), ') '));
        if ((int) $parent === getmypid()) $found[(int) explode('/', $file)[2]] = $state;
    }
    return $found;
}
$ways = [
    'exec' => fn ($c) => exec($c, $lines, $code) . $code,
    'shell_exec' => fn ($c) => trim(shell_exec($c)),
    'system' => function ($c) { ob_start(); try { return system($c, $code) . $code; } finally { ob_end_clean(); } },
    'passthru' => function ($c) { ob_start(); try { passthru($c, $code); return trim(ob_get_contents()) . $code; } finally { ob_end_clean(); } },
    'without output' => fn ($c) => exec("exec >/dev/null; $c", $lines, $code) . $code,
    'System::exec' => fn ($c) => json_encode(Co\System::exec($c)),
    'swoole_shell_exec' => fn ($c) => json_encode(swoole_shell_exec($c)),
];
Co\run(function () use ($ways) {
    foreach ([false, true] as $throws) {
        foreach ($ways as $name => $way) {
            $result = null;
            $id = go(function () use ($way, &$result) {
                try { $result = $way('echo started; exec sleep 60'); } catch (Swoole\Coroutine\CanceledException) { $result = 'exception'; }
            });
            while (!children()) Co::sleep(0.001);
            Co::sleep(0.05);
            Co::cancel($id, $throws);
            echo "$name: $result\n";
            // The command has got SIGTERM and is reaped.
            while (children()) Co::sleep(0.001);
        }
    }
    // The program may still end the child of a handle that it has; without the handle the child runs on, and is reaped.
    $handles = [
        'proc_close' => fn ($process) => proc_close($process),
        'pclose' => fn ($process, $pipe) => pclose($pipe),
        'freed' => function (&$process) { $process = null; },
    ];
    foreach ($handles as $name => $leave) {
        $id = go(function () use ($name, $leave) {
            $process = $name === 'pclose' ? null : proc_open('exec sleep 0.1', [], $pipes);
            $pipe = $name === 'pclose' ? popen('exec sleep 0.1', 'w') : null;
            echo "$name: ", json_encode($leave($process, $pipe)), "\n";
        });
        Co::cancel($id);
        echo count(children()), " runs on\n";
        while (children()) Co::sleep(0.001);
    }
});
?>
--EXPECT--
exec: started-1
shell_exec: started
system: started-1
passthru: started-1
without output: -1
System::exec: false
swoole_shell_exec: false
exec: exception
shell_exec: exception
system: exception
passthru: exception
without output: exception
System::exec: exception
swoole_shell_exec: exception
proc_close: -1
1 runs on
pclose: -1
1 runs on
freed: null
1 runs on
