--TEST--
Releases are deployed under load without a failed request, none of the old code stays, and a broken release is taken back
--EXTENSIONS--
swoole
pcntl
posix
--FILE--
<?php
require __DIR__ . '/../inc/kit.inc';
$root = kit_folder();
$port = free_port();

function deploy(string $name, string $code = '', string ...$options): string
{
    global $root, $port;
    $check = implode(' ', [...php_with_module(), kit('server.php'), '--check']);
    $command = ['sh', kit('deploy.sh'), '-r', $root, '-n', $name, '-u', "http://127.0.0.1:$port/health", '-p', "$root/pid", '-k', '3', '-c', $check, ...$options];
    [$status, $printed] = run_command([...$command, kit_release($name, $code)]);
    preg_match_all('~^deploy: (.*)$~m', $printed, $found);
    return "$status: " . implode(', ', str_replace($check, 'CHECK', $found[1]));
}

/** One request; the connection is kept where it is given. Returns the body, or a description of the failure. */
function request(string $path, mixed &$connection = null): string
{
    global $port;
    $keep = func_num_args() > 1;
    $c = $connection ?? stream_socket_client("tcp://127.0.0.1:$port", $code, $message, 30) ?: throw new Exception("FAILED: $message");
    stream_set_timeout($c, 30);
    fwrite($c, "GET $path HTTP/1.1\r\nHost: a\r\n" . ($keep ? '' : "Connection: close\r\n") . "\r\n");
    $head = stream_get_line($c, 65536, "\r\n\r\n");
    if (!preg_match('~^HTTP/1.1 200 .*content-length: (\d+)~is', (string) $head, $found)) {
        throw new Exception('FAILED: ' . json_encode($head));
    }
    $connection = $keep ? $c : null;
    return stream_get_contents($c, (int) $found[1]);
}

echo deploy('v1'), "\n";
$server = kit_server("$root/current", $port);

// Clients that never stop: some with one connection for all requests, some with a new one for each, some with slow requests.
$clients = [];
foreach ([true, true, false, false] as $n => $keeps) {
    if (!$clients[] = pcntl_fork()) {
        $requests = 0;
        $connection = null;
        $failure = 'none';
        try {
            while (!is_file("$root/stop")) {
                $path = $n % 2 ? '/slow' : '/';
                $body = $keeps ? request($path, $connection) : request($path);
                if (!preg_match('~^greeting of (\w+) of \1 at \1$~', $body)) {
                    throw new Exception("FAILED: mixed code: $body");
                }
                $requests++;
            }
        } catch (Exception $e) {
            $failure = $e->getMessage();
        }
        file_put_contents("$root/clients", ($requests > 0 ? '' : 'no requests, ') . "failure: $failure\n", FILE_APPEND | LOCK_EX);
        posix_kill(getmypid(), SIGKILL);
    }
}
foreach (['v2', 'v3', 'v4', 'v5'] as $name) {
    // Code that waits when it is loaded, which lets requests in, does not make them fail.
    echo deploy($name, 'usleep(30000);'), "\n";
    $served = array_count_values(array_map(fn () => request('/'), range(1, 20)));
    echo json_encode($served), "\n";
}
echo deploy('v6', 'syntax error'), "\n";
echo deploy('v7', "if (!in_array('--check', \$_SERVER['argv'])) throw new Exception('only in a worker');", '-t', '3'), "\n";
echo deploy('v5'), "\n";
echo request('/'), "\n";
touch("$root/stop");
foreach ($clients as $pid) {
    pcntl_waitpid($pid, $status);
}
echo file_get_contents("$root/clients");
echo 'kept: ', implode(' ', array_map(basename(...), glob("$root/releases/*"))), ', current: ', readlink("$root/current"), "\n";
echo 'status ', $server->stop(SIGTERM), "\n";
// Without a server nothing is switched, whether its pid file is gone or names a process that has ended.
echo str_replace($root, 'ROOT', deploy('v8')), "\n";
file_put_contents("$root/pid", '4194305');
echo str_replace($root, 'ROOT', deploy('v8')), "\n";
echo json_encode(is_dir("$root/releases/v8")), ' ', readlink("$root/current"), "\n";
?>
--EXPECT--
0: v1 is the first release: start the server now
0: every worker serves v2
{"greeting of v2 of v2 at v2":20}
0: every worker serves v3
{"greeting of v3 of v3 at v3":20}
0: every worker serves v4
{"greeting of v4 of v4 at v4":20}
0: every worker serves v5
{"greeting of v5 of v5 at v5":20}
1: release v6 was not accepted by: CHECK
1: release v7 did not come up within 3 seconds: back to v5, release v7 was not deployed; v5 is served
2: release v5 exists already
greeting of v5 of v5 at v5
failure: none
failure: none
failure: none
failure: none
kept: v3 v4 v5, current: releases/v5
status 0
1: the server does not run (pid file ROOT/pid): start it, then deploy
1: the server does not run (pid file ROOT/pid): start it, then deploy
false releases/v5
