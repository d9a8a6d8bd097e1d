--TEST--
Memory of responses that clients did not read returns to the system once they have left, in both modes
--SKIPIF--
<?php if (PHP_OS_FAMILY !== 'Linux' || !str_contains((string) shell_exec('ldd --version 2>&1'), 'GNU') && !str_contains((string) shell_exec('ldd --version 2>&1'), 'GLIBC')) die('skip needs glibc'); ?>
--EXTENSIONS--
swoole
pcntl
posix
--FILE--
<?php
require __DIR__ . '/../inc/http.inc';
require __DIR__ . '/../inc/http2_client.inc';
/** Private memory of the server and its children, MiB. */
function memory(int $server): int
{
    $all = [$server];
    for ($i = 0; $i < count($all); $i++) {
        foreach (glob("/proc/$all[$i]/task/*/children") as $file) {
            $all = array_merge($all, array_map(intval(...), preg_split('/ /', file_get_contents($file), -1, PREG_SPLIT_NO_EMPTY)));
        }
    }
    $memory = 0;
    foreach (array_diff($all, [getmypid()]) as $pid) {
        preg_match('/^Private_Dirty:\s+(\d+)/m', (string) @file_get_contents("/proc/$pid/smaps_rollup"), $found);
        $memory += (int) ($found[1] ?? 0);
    }
    return $memory >> 10;
}
foreach ([SWOOLE_BASE, SWOOLE_PROCESS] as $mode) {
    $answer = fn ($request, $response) => $response->end(str_repeat('l', 4_000_000));
    http_serve(['open_http2_protocol' => true, 'reactor_num' => 1, 'http_body_timeout' => 2], $answer, function () {
        $server = posix_getppid();
        fclose(http_dial());
        $before = memory($server);
        // Each of these windows is open, but the client does not read from its socket.
        for ($clients = []; count($clients) < 30;) {
            $clients[] = $s = http2_open(pack('nN', 4, 1 << 20));
            fwrite($s, http2_get(1, '/') . http2_get(3, '/'));
        }
        for ($i = 0; $i < 2000 && memory($server) < $before + 100; $i++) usleep(5000);
        echo 'while they wait: ', memory($server) > $before + 100 ? 'much' : memory($server) - $before, "\n";
        $clients = [];
        for ($i = 0; $i < 2000 && memory($server) > $before + 40; $i++) usleep(10000);
        echo 'then: ', memory($server) <= $before + 40 ? 'little' : memory($server) - $before . ' MiB', "\n";
    }, $mode);
}
?>
--EXPECT--
while they wait: much
then: little
while they wait: much
then: little
