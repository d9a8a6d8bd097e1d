--TEST--
The administration interface describes all processes, closes connections and reloads, by token or from this machine only; statistics go to a file
--EXTENSIONS--
swoole
pcntl
--FILE--
<?php
function free_port(): int
{
    $free = stream_socket_server('tcp://127.0.0.1:0');
    return (int) substr(strrchr(stream_socket_get_name($free, false), ':'), 1);
}
$file = sys_get_temp_dir() . '/stats' . getmypid();
/** Status and decoded body. */
function ask(int $port, string $line, string $head = '', string $body = ''): array
{
    for ($until = microtime(true) + 20; !($s = @stream_socket_client("tcp://127.0.0.1:$port")) && microtime(true) < $until; usleep(5000));
    stream_set_timeout($s, 20);
    $length = $body === '' ? '' : "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: " . strlen($body) . "\r\n";
    fwrite($s, "$line HTTP/1.1\r\nHost: x\r\nConnection: close\r\n$length$head\r\n$body");
    [$top, $text] = explode("\r\n\r\n", stream_get_contents($s), 2);
    return [(int) substr($top, 9, 3), json_decode($text, true)];
}
foreach (['without a token, base mode' => ['', SWOOLE_BASE], 'with a token, process mode' => ['secret@', SWOOLE_PROCESS]] as $what => [$token, $mode]) {
    echo "$what\n";
    [$port, $admin] = [free_port(), free_port()];
    $pid = pcntl_fork();
    if (!$pid) {
        $server = new Swoole\Server('127.0.0.1', $port, $mode);
        $server->set(['worker_num' => 2, 'admin_server' => ($token ? 'http://' : '') . "{$token}127.0.0.1:$admin", 'stats_file' => $file, 'stats_timer_interval' => 10, 'log_level' => SWOOLE_LOG_ERROR]);
        $server->on('workerStart', fn () => null);
        $server->on('receive', fn ($server, $fd) => $server->send($fd, (string) $fd));
        $server->start();
        exit;
    }
    $head = $token ? "X-ADMIN-SERVER-ACCESS-TOKEN: secret\r\n" : '';
    [$status, $reply] = ask($admin, 'GET /api/get_worker_info/worker-1', $head);
    echo "  $status, worker ", $reply['data']['id'], ', another process ', json_encode($reply['data']['pid'] !== $pid), "\n";
    echo '  all: ', implode(' ', array_keys(ask($admin, 'GET /api/get_version_info/all', $head)[1]['data'])), "\n";
    $c = stream_socket_client("tcp://127.0.0.1:$port");
    fwrite($c, 'x');
    $id = fread($c, 10);
    $all = array_map(fn ($reactor) => ask($admin, "GET /api/get_connections/reactor-$reactor", $head)[1]['data'], [0, 1]);
    echo '  connections: ', implode(' ', array_column(array_merge(...$all), 'session_id')), "\n";
    stream_set_timeout($c, 20);
    echo '  close by GET ', ask($admin, "GET /api/close_session?session_id=$id", $head)[0], ', by POST ', ask($admin, 'POST /api/close_session', $head, "session_id=$id")[1]['code'];
    echo ', ended ', json_encode(fread($c, 1) === '' && feof($c)), "\n";
    echo '  reload ', ask($admin, 'POST /api/server_reload', $head)[0], ', from another origin ', ask($admin, 'POST /api/server_reload', "{$head}Origin: http://evil.test\r\n")[0], "\n";
    echo '  wrong token ', ask($admin, 'GET /api/server_stats', "X-ADMIN-SERVER-ACCESS-TOKEN: wrong\r\n")[0], ', none ', ask($admin, 'GET /api/server_stats')[0], "\n";
    for ($until = microtime(true) + 20; !is_array($stats = json_decode((string) @file_get_contents($file), true)) && microtime(true) < $until; usleep(5000));
    echo '  statistics of ', $stats['worker_num'], " workers\n";
    echo '  unknown command ', ask($admin, 'GET /api/nonsense', $head)[1]['code'], ', process ', ask($admin, 'GET /api/get_version_info/worker-9', $head)[1]['code'], "\n";
    echo '  shutdown ', ask($admin, 'POST /api/server_shutdown', $head)[0];
    pcntl_waitpid($pid, $status);
    echo ', ended with ', pcntl_wexitstatus($status), "\n";
    @unlink($file);
}
$server = new Swoole\Server('127.0.0.1', 0);
$server->set(['admin_server' => '0.0.0.0:9502', 'log_level' => SWOOLE_LOG_ERROR]);
$server->on('receive', fn () => null);
$server->on('start', fn ($server) => $server->shutdown());
set_error_handler(fn ($no, $text) => print("warning: $text\n"));
$server->start();
?>
--EXPECT--
without a token, base mode
  200, worker 1, another process true
  all: master manager worker-0 worker-1
  connections: 1
  close by GET 403, by POST 0, ended true
  reload 200, from another origin 403
  wrong token 200, none 200
  statistics of 2 workers
  unknown command 9012, process 505
  shutdown 200, ended with 0
with a token, process mode
  200, worker 1, another process true
  all: master manager worker-0 worker-1
  connections: 1
  close by GET 403, by POST 0, ended true
  reload 200, from another origin 200
  wrong token 403, none 403
  statistics of 2 workers
  unknown command 9012, process 505
  shutdown 200, ended with 0
warning: admin_server: 0.0.0.0 can be reached from other machines; give it a token: http://TOKEN@0.0.0.0:9502
