--TEST--
Another user of the machine cannot write to a server's queue, read its files, or have it write to a planted file
--EXTENSIONS--
swoole
pcntl
posix
sysvmsg
--SKIPIF--
<?php
if (posix_geteuid() !== 0 || !posix_getpwnam('nobody')) die('skip needs root, and a user nobody');
?>
--FILE--
<?php
require __DIR__ . '/../inc/http.inc';
require __DIR__ . '/../inc/server.inc';
/** What `$act` returns when nobody runs it. */
function as_nobody(callable $act): mixed
{
    $journal = new Journal();
    if (!$pid = pcntl_fork()) {
        chmod((fn () => $this->file)->call($journal), 0666);
        posix_setgid(posix_getpwnam('nobody')['gid']);
        posix_setuid(posix_getpwnam('nobody')['uid']);
        $journal->record(json_encode($act()));
        posix_kill(getmypid(), SIGKILL);
    }
    pcntl_waitpid($pid, $status);
    return json_decode($journal->end()[0] ?? '"nothing"');
}
$folder = sys_get_temp_dir() . '/users' . getmypid();
mkdir($folder);
chmod($folder, 01777);
// Planted before the server starts.
as_nobody(fn () => [file_put_contents("$folder/planted.log", ''), file_put_contents("$folder/planted.pid", 'kept')]);
file_put_contents("$folder/victim", 'kept');
as_nobody(fn () => [symlink("$folder/victim", "$folder/link.pid"), symlink("$folder/victim", "$folder/link.log")]);
foreach (['planted', 'link'] as $kind) {
    foreach (['pid_file' => 'pid', 'log_file' => 'log'] as $setting => $suffix) {
        if (!$pid = pcntl_fork()) {
            $server = new Swoole\Server('127.0.0.1', 0);
            $server->on('receive', fn () => null);
            $server->on('start', fn () => print("started with $kind.$suffix\n"));
            $server->on('start', fn ($server) => $server->shutdown());
            @$server->set([$setting => "$folder/$kind.$suffix", 'log_level' => SWOOLE_LOG_NONE, 'worker_num' => 1]);
            @$server->start();
            posix_kill(getmypid(), SIGKILL);
        }
        pcntl_waitpid($pid, $status);
    }
}
clearstatcache();
echo 'planted: ', file_get_contents("$folder/victim"), ' ', file_get_contents("$folder/planted.pid"), ' ', filesize("$folder/planted.log"), "\n";

$key = random_int(1, 1 << 30);
$settings = [
    'pid_file' => "$folder/pid", 'log_file' => "$folder/log", 'log_level' => SWOOLE_LOG_INFO, 'upload_tmp_dir' => $folder, 'task_tmpdir' => $folder,
    'task_worker_num' => 1, 'task_ipc_mode' => 2, 'message_queue_key' => $key, 'http_compression' => false, 'package_max_length' => 8 << 20, 'input_buffer_size' => 1 << 20,
];
$handler = function ($request, $response) use ($folder) {
    clearstatcache();
    $mode = fn ($name) => sprintf('%o', fileperms($name) & 0777);
    $response->end(json_encode([
        'upload' => array_map($mode, glob("$folder/swoole.upfile.*")), 'log' => $mode("$folder/log"), 'pid' => $mode("$folder/pid"),
    ]));
};
http_serve($settings, $handler, function () use ($folder, $key) {
    $form = "--B\r\nContent-Disposition: form-data; name=f; filename=a\r\n\r\n" . str_repeat('x', 2 << 20) . "\r\n--B--\r\n";
    echo http_ask("POST / HTTP/1.1\r\nContent-Type: multipart/form-data; boundary=B", $form)[2], "\n";
    $queue = fn () => @msg_get_queue($key, 0);
    echo 'nobody sends to the queue: ', json_encode(as_nobody(fn () => ($q = $queue()) && @msg_send($q, 1, 'x', false, false))), "\n";
    echo 'nobody reads from it: ', json_encode(as_nobody(fn () => ($q = $queue()) && @msg_receive($q, 0, $type, 9000, $m, false, MSG_IPC_NOWAIT))), "\n";
    echo 'nobody reads the log: ', json_encode(as_nobody(fn () => is_string(@file_get_contents("$folder/log")))), "\n";
    echo 'nobody signals it: ', json_encode(as_nobody(fn () => @posix_kill((int) $GLOBALS['server_pid'], SIGTERM))), "\n";
}, SWOOLE_PROCESS, function ($server) {
    $GLOBALS['server_pid'] = getmypid();
    $server->on('task', fn () => null);
    $server->on('finish', fn () => null);
});
($q = @msg_get_queue($key)) && msg_remove_queue($q);
array_map('unlink', glob("$folder/*"));
rmdir($folder);
?>
--EXPECTF--
Fatal error: Swoole\Server::start(): the server cannot start: write pid_file %splanted.pid: %s in %s on line %d

Fatal error: Swoole\Server::start(): open log file %splanted.log: %s in %s on line %d

Fatal error: Swoole\Server::start(): the server cannot start: write pid_file %slink.pid: %s in %s on line %d

Fatal error: Swoole\Server::start(): open log file %slink.log: %s in %s on line %d
planted: kept kept 0
{"upload":["600"],"log":"640","pid":"640"}
nobody sends to the queue: false
nobody reads from it: false
nobody reads the log: false
nobody signals it: false
