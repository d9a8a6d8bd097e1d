<?php
// PHP's own functions in a coroutine with all hooks on, beside the same calls with all hooks off: the ratio of CPU times,
// or of times where another process or thread works meanwhile. Each figure is the median of the rounds.
require __DIR__ . '/../../tests/phpt/inc/components.inc';
use Swoole\Coroutine as Co;
use Swoole\Runtime;

const ROUNDS = 11;
$cpu = function (): float {
    $used = getrusage();
    return ($used['ru_utime.tv_sec'] + $used['ru_stime.tv_sec']) * 1e6 + $used['ru_utime.tv_usec'] + $used['ru_stime.tv_usec'];
};
$clock = fn (): float => hrtime(true) / 1e3;
$compare = function (string $name, float $goal, callable $measure, int $times, callable $call) {
    $ratios = $hooked = [];
    $call();
    for ($round = 0; $round < ROUNDS; $round++) {
        foreach ([0, SWOOLE_HOOK_ALL] as $flags) {
            Runtime::setHookFlags($flags);
            $begin = $measure();
            for ($n = 0; $n < $times; $n++) $call();
            $took[$flags] = $measure() - $begin;
        }
        $ratios[] = $took[SWOOLE_HOOK_ALL] / $took[0];
        $hooked[] = $took[SWOOLE_HOOK_ALL] / $times;
    }
    Runtime::setHookFlags(SWOOLE_HOOK_ALL);
    sort($ratios);
    sort($hooked);
    printf("  %-40s %8.1f us, %.2f times the call without hooks (goal %.1f)\n", $name, $hooked[ROUNDS >> 1], $ratios[ROUNDS >> 1], $goal);
};
$has = fn (?string $program, string $extension) => extension_loaded($extension) && ($program === null || Component::find($program));

$file = tempnam(sys_get_temp_dir(), 'hooks');
file_put_contents($file, str_repeat('x', 4096));
Co\run(function () use ($compare, $cpu, $clock, $file, $has) {
    $compare('file_get_contents, 4 KB in the cache', 1.3, $clock, 3000, fn () => file_get_contents($file));
    $compare('proc_open of true, proc_close', 1.2, $clock, 30, fn () => proc_close(proc_open(['/bin/true'], [], $pipes)));
    $compare('exec of true', 1.2, $clock, 30, fn () => exec('true'));
    if ($has(null, 'curl')) {
        $listener = stream_socket_server('tcp://127.0.0.1:0');
        $url = 'http://' . stream_socket_get_name($listener, false) . '/';
        if (($server = pcntl_fork()) === 0) {
            Runtime::setHookFlags(0);
            while ($c = stream_socket_accept($listener, 60)) {
                while (($line = fgets($c)) !== false) {
                    if ($line === "\r\n") fwrite($c, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
                }
            }
            posix_kill(getmypid(), SIGKILL);
        }
        fclose($listener);
        $curl = curl_init($url);
        curl_setopt($curl, CURLOPT_RETURNTRANSFER, true);
        $compare('curl_exec on a kept connection, CPU', 1.1, $cpu, 300, fn () => curl_exec($curl));
        posix_kill($server, SIGKILL);
        pcntl_waitpid($server, $status);
    }
    if ($has('mariadbd', 'pdo_mysql')) {
        $mysql = (new MariaDb())->pdo();
        $compare('PDO MySQL, select 1, CPU', 1.1, $cpu, 500, fn () => $mysql->query('select 1')->fetchColumn());
    }
    if ($has('postgres', 'pdo_pgsql')) {
        $postgres = (new Postgres())->pdo();
        $compare('PDO PostgreSQL, select 1, CPU', 1.1, $cpu, 500, fn () => $postgres->query('select 1')->fetchColumn());
    }
    if ($has('redis-server', 'redis')) {
        $redis = (new RedisServer())->client();
        $compare('phpredis, get, CPU', 1.1, $cpu, 1000, fn () => $redis->get('key'));
    }
});
unlink($file);
