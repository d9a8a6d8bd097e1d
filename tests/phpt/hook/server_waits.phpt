--TEST--
In a server's only worker, requests that wait for each other by curl, commands, pipes and databases all end, in both modes
--EXTENSIONS--
swoole
pcntl
posix
--SKIPIF--
<?php require __DIR__ . '/../inc/components.inc'; need_components('curl', 'pdo_sqlite'); ?>
--FILE--
<?php
require __DIR__ . '/../inc/server.inc';
foreach (['process mode' => SWOOLE_PROCESS, 'base mode' => SWOOLE_BASE] as $name => $mode) {
    $fifo = sys_get_temp_dir() . '/server_waits' . getmypid();
    posix_mkfifo($fifo, 0600);
    $journal = new Journal();
    if (($pid = pcntl_fork()) === 0) {
        $server = new Swoole\Http\Server('127.0.0.1', 0, $mode);
        $server->set(['worker_num' => 1, 'log_level' => SWOOLE_LOG_WARNING, 'hook_flags' => SWOOLE_HOOK_ALL]);
        $server->on('request', function ($request, $response) use ($server, $fifo) {
            $own = "http://127.0.0.1:$server->port";
            $get = function ($path) use ($own) {
                curl_setopt_array($c = curl_init($own . $path), [CURLOPT_RETURNTRANSFER => true, CURLOPT_TIMEOUT => 20]);
                return curl_exec($c);
            };
            $response->end(match ($request->server['request_uri']) {
                '/leaf' => 'leaf of ' . getmypid(),
                '/curl' => $get('/leaf'),
                '/stream' => file_get_contents("$own/leaf"),
                '/read' => exec('cat ' . escapeshellarg($fifo)) . ' from another request',
                '/write' => (string) file_put_contents($fifo, 'written'),
                '/both' => (function () use ($get) {
                    $group = new Co\WaitGroup();
                    foreach (['/read', '/write'] as $path) {
                        $group->add();
                        go(function () use ($path, $get, $group, &$texts) { $texts[$path] = $get($path); $group->done(); });
                    }
                    $group->wait();
                    ksort($texts);
                    return json_encode($texts);
                })(),
                '/sqlite' => (function () use ($fifo, $get) {
                    $p = new PDO("sqlite:$fifo.db", null, null, [PDO::ATTR_TIMEOUT => 20]);
                    $p->exec('create table if not exists t (v)');
                    $p->exec('begin immediate');
                    $p->exec('insert into t values (1)');
                    $get('/leaf');
                    // After the commit the other transaction may have been committed too.
                    $count = $p->query('select count(*) from t')->fetchColumn();
                    $p->exec('commit');
                    return $count;
                })(),
                '/end' => $server->shutdown() ? 'end' : '',
            });
        });
        $server->on('start', fn ($server) => $journal->record("port $server->port"));
        $server->on('workerStart', fn ($server) => $journal->record("ready $server->port"));
        $server->start();
        posix_kill(getmypid(), SIGKILL);
    }
    $journal->await('ready');
    preg_match('/ready (\d+)/', implode("\n", $journal->end()), $m);
    echo "$name\n";
    Co\run(function () use ($m) {
        $ask = fn ($path) => (string) file_get_contents("http://127.0.0.1:$m[1]$path");
        $group = new Co\WaitGroup();
        foreach (['/curl', '/stream', '/both', '/sqlite', '/sqlite'] as $n => $path) {
            $group->add();
            go(function () use ($path, $n, $ask, $group, &$texts) { $texts["$path $n"] = preg_replace('/\d{2,}/', 'N', $ask($path)); $group->done(); });
        }
        $group->wait();
        $counts = [$texts['/sqlite 3'], $texts['/sqlite 4']];
        sort($counts);
        echo $texts['/curl 0'], ', ', $texts['/stream 1'], ', ', $texts['/both 2'], ', ', implode(' ', $counts), "\n";
        $ask('/end');
    });
    pcntl_waitpid($pid, $status);
    array_map('unlink', glob("$fifo*"));
}
?>
--EXPECT--
process mode
leaf of N, leaf of N, {"\/read":"written from another request","\/write":"7"}, 1 2
base mode
leaf of N, leaf of N, {"\/read":"written from another request","\/write":"7"}, 1 2
