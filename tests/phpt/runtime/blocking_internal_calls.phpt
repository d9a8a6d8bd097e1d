--TEST--
swoole.blocking_detection names the line of a function that blocks in the kernel or in a library, also many lines later and in the first piece of a script
--EXTENSIONS--
swoole
--INI--
swoole.blocking_detection=On
swoole.blocking_threshold=40000
--FILE--
<?php
$log = tempnam(sys_get_temp_dir(), 'blocking');
function sleeps(): void
{
    usleep(200000); // line 5
    for ($i = 0; $i < 10; $i++) $i = $i + 1;
}
function hashes(): void
{
    hash_pbkdf2('sha256', 'a', 'b', 1000000); // line 10
}
Co::set(['log_file' => $log, 'log_level' => SWOOLE_LOG_WARNING, 'hook_flags' => 0]);
Co\run(function () use ($log) {
    sleeps();
    Co::sleep(0.001);
    hashes();
    Co::sleep(0.001);
    array_map(function () { usleep(200000); }, [1]); // line 18
    Co::sleep(0.001);
    // Many short calls: the code holds the loop, and not one of them.
    for ($end = hrtime(true) + 200_000_000; hrtime(true) < $end;) usleep(1000); // line 21
    Co::sleep(0.001);
    try { (fn () => time_nanosleep(0, 200000000) && throw new Exception)(); } catch (Exception) {} // line 23
});
$seen = '';
foreach (file($log) as $line) {
    if (preg_match('/WARNING\s+coroutine 1 has held the event loop for \d+ ms(?:, \d+ ms of them in (\S+)|, and is at .*\((\d+)\)$)/', $line, $found)) $seen .= end($found) . "\n";
    elseif (preg_match('/^#0 .*\((\d+)\): (\S+)/', $line, $found)) $seen .= "  line $found[1]: $found[2]\n";
}
// On a busy machine one of the short calls may take long.
echo str_replace("usleep()\n  line 21: usleep()\n", "21\n", $seen);
unlink($log);
?>
--EXPECT--
usleep()
  line 5: usleep()
hash_pbkdf2()
  line 10: hash_pbkdf2()
usleep()
  line 18: usleep()
21
time_nanosleep()
  line 23: time_nanosleep()
