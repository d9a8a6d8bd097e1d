--TEST--
chroot: workers and task workers see the folder as their root, also after a reload and with a user; files to send, uploads and classes come from there
--EXTENSIONS--
swoole
pcntl
posix
--SKIPIF--
<?php if (posix_geteuid() !== 0) die('skip only root may change its root'); ?>
--FILE--
<?php
require __DIR__ . '/../inc/server.inc';
$root = sys_get_temp_dir() . '/chroot' . getmypid();
$owner = getmypid();
register_shutdown_function(fn () => getmypid() === $owner && exec('rm -rf ' . escapeshellarg($root)));
foreach (MODES as $name => $mode) {
    exec('rm -rf ' . escapeshellarg($root));
    mkdir("$root/tmp", 0777, true);
    chmod("$root/tmp", 0777);
    chmod($root, 0755);
    file_put_contents("$root/inside.txt", 'a file of the folder');
    $journal = new Journal();
    $lines = [];
    if (($pid = pcntl_fork()) === 0) {
        $server = new Swoole\Http\Server('127.0.0.1', 0, $mode);
        $server->set(['worker_num' => 2, 'task_worker_num' => 1, 'chroot' => $root, 'user' => 'nobody', 'group' => 'nogroup',
            'upload_tmp_dir' => '/tmp', 'pid_file' => "$root.pid", 'log_level' => SWOOLE_LOG_NONE]);
        // As root: workers cannot reach the journal.
        $journal->record("port $server->port");
        $server->on('task', fn ($server, $id, $from, $data) => json_encode([getcwd(), file_exists('/inside.txt'), file_exists('/etc/passwd'), posix_geteuid() === 0]));
        $server->on('request', function ($request, $response) use ($server) {
            match ($request->server['request_uri']) {
                '/see' => $response->end(json_encode([getcwd(), file_exists('/inside.txt'), file_exists('/etc/passwd'), posix_geteuid() === 0])),
                '/task' => $response->end($server->taskwait('look', 5)),
                '/file' => $response->sendfile('/inside.txt'),
                '/upload' => $response->end(dirname($request->files['f']['tmp_name']) . ' ' . file_get_contents($request->files['f']['tmp_name'])),
                '/reload' => $response->end(json_encode($server->reload()) . getmypid()),
                '/pid' => $response->end((string) getmypid()),
            };
        });
        $server->start();
        posix_kill(getmypid(), SIGKILL);
    }
    $journal->await('port');
    $port = $journal->find('/port (\d+)/')[1];
    $get = function (string $path, string $extra = '', string $body = '') use ($port) {
        $c = connect((int) $port);
        fwrite($c, ($body === '' ? 'GET' : 'POST') . " $path HTTP/1.1\r\nHost: a\r\nConnection: close\r\n$extra\r\n$body");
        return substr(strstr(stream_get_contents($c), "\r\n\r\n"), 4);
    };
    $form = "--B\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a\"\r\n\r\nuploaded\r\n--B--\r\n";
    $look = fn () => print("$name: worker {$get('/see')}, task worker {$get('/task')}, {$get('/file')}, " .
        $get('/upload', "Content-Type: multipart/form-data; boundary=B\r\nContent-Length: " . strlen($form) . "\r\n", $form) . "\n");
    $look();
    $before = $get('/pid');
    echo substr($get('/reload'), 0, 4), "\n";
    // Both workers are replaced.
    wait_for(fn () => !posix_kill((int) $before, 0));
    $look();
    posix_kill($pid, SIGTERM);
    pcntl_waitpid($pid, $status);
    echo 'pid file left: ', json_encode(file_exists("$root.pid")), "\n";
    $journal->end();
}
?>
--EXPECT--
process: worker ["\/",true,false,false], task worker ["\/",true,false,false], a file of the folder, /tmp uploaded
true
process: worker ["\/",true,false,false], task worker ["\/",true,false,false], a file of the folder, /tmp uploaded
pid file left: false
base: worker ["\/",true,false,false], task worker ["\/",true,false,false], a file of the folder, /tmp uploaded
true
base: worker ["\/",true,false,false], task worker ["\/",true,false,false], a file of the folder, /tmp uploaded
pid file left: false
