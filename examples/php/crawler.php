<?php
// Many pages, fetched by a pool: four processes, each with eight coroutines that wait for pages concurrently. The web
// site is a server that this program starts itself.
//
//     php -d extension=target/release/libswoosh_php.so examples/php/crawler.php [pages]
use Swoole\{Atomic, Coroutine, Process, Table};
use Swoole\Http\{Request, Response, Server};
use Swoole\Process\Pool;

const WORKERS = 4;
const FETCHERS = 8;
$pages = (int) ($argv[1] ?? 200);

// The web site: each page takes some time.
$site = new Server('127.0.0.1', 0, SWOOLE_BASE);
$site->set(['worker_num' => 1, 'log_level' => SWOOLE_LOG_ERROR]);
$site->on('request', function (Request $request, Response $response) {
    Coroutine::sleep(random_int(1, 20) / 1000);
    $n = (int) substr($request->server['request_uri'], strlen('/page/'));
    $response->end("<title>Page $n</title>" . str_repeat("<p>words of page $n</p>", $n % 7));
});
$web = new Process(fn () => $site->start(), false, Process::PIPE_TYPE_NONE);
$web->start();
while (!@stream_socket_client("tcp://127.0.0.1:{$site->port}")) {
    usleep(1000); // it does not listen yet
}

// Shared by the processes: the next page, the number of finished ones, the results.
[$next, $done, $running] = [new Atomic(), new Atomic(), new Atomic(WORKERS * FETCHERS)];
$found = new Table(max(1024, $pages * 2));
$found->column('title', Table::TYPE_STRING, 64);
$found->column('bytes', Table::TYPE_INT);
$found->create();

$pool = new Pool(WORKERS, SWOOLE_IPC_NONE, 0, true);
$pool->set(['hook_flags' => SWOOLE_HOOK_ALL]); // file_get_contents() lets other coroutines run while it waits
$pool->on('workerStart', function (Pool $pool, int $id) use ($site, $pages, $next, $done, $running, $found) {
    $fetch = function () use ($pool, $site, $pages, $next, $done, $running, $found) {
        while (($n = $next->add()) <= $pages) {
            $body = file_get_contents("http://127.0.0.1:{$site->port}/page/$n");
            preg_match('~<title>(.*)</title>~', $body, $title);
            $found->set("$n", ['title' => $title[1], 'bytes' => strlen($body)]);
            $done->add();
        }
        $running->sub() === 0 && $pool->shutdown(); // the last one shuts the pool down
    };
    for ($n = 0; $n < FETCHERS; $n++) {
        go($fetch);
    }
    $show = fn () => print "\r{$done->get()} of $pages pages";
    while ($pool->workerRunning) {
        $id === 0 && $show();
        Coroutine::sleep(0.02);
    }
    $id === 0 && $show();
});
$begun = microtime(true);
$pool->start();

[$titles, $bytes] = [0, 0];
foreach ($found as $n => $page) {
    $titles += (int) ($page['title'] === "Page $n");
    $bytes += $page['bytes'];
}
printf("\n%d pages, %d with their own title, %d bytes, by %d processes in %.2f s\n", count($found), $titles, $bytes, WORKERS, microtime(true) - $begun);
Process::kill($web->pid);
Process::wait();
