--TEST--
The profiler counts where the time goes, in coroutines too, and the leak check names classes that accumulate
--EXTENSIONS--
swoole
--FILE--
<?php
function slow(float $seconds): void
{
    for ($end = microtime(true) + $seconds; microtime(true) < $end;) {
        for ($i = 0; $i < 100; $i++);
    }
}
class Worker { function run() { slow(0.3); } }
$file = sys_get_temp_dir() . '/profile' . getmypid();
var_dump(@swoole_tracer_prof_end($file), swoole_tracer_prof_begin(), @swoole_tracer_prof_begin());
Co\run(fn () => (new Worker)->run());
slow(0.1);
var_dump(swoole_tracer_prof_end($file));
$stacks = [];
foreach (file($file, FILE_IGNORE_NEW_LINES) as $line) {
    preg_match('/^(.*) (\d+)$/', $line, $found);
    $stacks[$found[1]] = (int) $found[2];
}
$sum = fn (string $part) => array_sum(array_filter($stacks, fn ($stack) => str_contains($stack, $part), ARRAY_FILTER_USE_KEY));
echo 'in the method: ', $sum('Worker::run;slow') > 20 ? 'many' : 'few', ', more than outside: ', json_encode($sum('Worker::run;slow') > $sum('{main};slow')), "\n";
unlink($file);

set_error_handler(fn ($no, $text) => print(preg_replace('/[+-]\d+ bytes/', '(some) bytes', $text) . "\n"));
class Leaked {}
swoole_tracer_leak_detect();
for ($i = 0; $i < 100; $i++) {
    $all[] = new Leaked;
}
swoole_tracer_leak_detect();
$all[] = new Leaked;
swoole_tracer_leak_detect();
?>
--EXPECT--
bool(false)
bool(true)
bool(false)
bool(true)
in the method: many, more than outside: true
swoole_tracer_leak_detect(): 100 more objects of Leaked than at the last check, memory (some) bytes
