<?php
// Serves an application that is deployed as releases: directories beside each other, and a link to the current one.
//
//     php server.php /srv/app/current            serve; a reload (SIGUSR1) takes the release that the link names then
//     php server.php --check /srv/app/releases/X load a release and exit: status 0 if it can be served
//
// A release has a file app.php that returns callable(Swoole\Http\Request, Swoole\Http\Response): void.
//
// Environment: SWOOSH_LISTEN (127.0.0.1:9501, or unix:/run/swoosh/http.sock), SWOOSH_WORKERS (one for each core),
// SWOOSH_PID_FILE, SWOOSH_LOG_FILE.
//
// Nothing of a release is loaded before start(): workers inherit such code, and a reload would keep it.
use Swoole\Coroutine\Channel;
use Swoole\Http\{Request, Response, Server};

/** Loads a release. Its path is resolved once, so that all of a worker's code is of one release. */
function load_release(string $path): array
{
    // The link may lead elsewhere than when this process, or the one it was forked from, resolved it last.
    clearstatcache(true);
    $release = realpath($path) ?: throw new RuntimeException("there is no release at $path");
    chdir($release);
    $handler = require "$release/app.php";
    is_callable($handler) || throw new RuntimeException("$release/app.php returns no callable");
    return [basename($release), $handler];
}

if (($argv[1] ?? '') === '--check') {
    echo 'release ', load_release($argv[2] ?? getcwd())[0], " can be served\n";
    exit;
}
if (!isset($argv[1])) {
    fwrite(STDERR, "usage: php server.php [--check] RELEASE\n");
    exit(2);
}
$current = $argv[1];
if (!is_file("$current/app.php")) {
    fwrite(STDERR, "there is no release at $current: it has no file app.php\n");
    exit(2);
}
$listen = getenv('SWOOSH_LISTEN') ?: '127.0.0.1:9501';
if (!preg_match('~^(unix:.+|.+:\d+)$~', $listen)) {
    fwrite(STDERR, "SWOOSH_LISTEN is ADDRESS:PORT or unix:PATH, not $listen\n");
    exit(2);
}
if (str_starts_with($listen, 'unix:')) {
    $server = new Server(substr($listen, 5), 0, SWOOLE_PROCESS, SWOOLE_SOCK_UNIX_STREAM);
} else {
    $colon = strrpos($listen, ':');
    $host = trim(substr($listen, 0, $colon), '[]');
    $type = str_contains($host, ':') ? SWOOLE_SOCK_TCP6 : SWOOLE_SOCK_TCP;
    $server = new Server($host, (int) substr($listen, $colon + 1), SWOOLE_PROCESS, $type);
}
$server->set(array_filter([
    'worker_num' => (int) getenv('SWOOSH_WORKERS') ?: swoole_cpu_num(),
    'hook_flags' => SWOOLE_HOOK_ALL,
    // How long requests may take to finish when their worker is replaced: longer than any request of the application.
    'max_wait_time' => 30,
    'pid_file' => getenv('SWOOSH_PID_FILE'),
    'log_file' => getenv('SWOOSH_LOG_FILE'),
]));

// The release that each worker serves, for the health check: shared memory, so that any worker can answer for all.
$releases = new Swoole\Table(1024);
$releases->column('name', Swoole\Table::TYPE_STRING, 128);
$releases->create();

$handler = $loading = null;
$server->on('start', fn () => print "serving on $listen\n");
$server->on('workerStart', function (Server $server, int $id) use ($current, $releases, &$handler, &$loading) {
    // Code that waits while it is loaded, for a database say, lets the first requests in.
    $loading = new Channel();
    [$name, $handler] = load_release($current);
    $releases->set((string) $id, ['name' => $name]);
    $loading->close();
});
$server->on('request', function (Request $request, Response $response) use ($server, $releases, &$handler, &$loading) {
    if ($request->server['request_uri'] !== '/health') {
        // Until the release is loaded; at once if it is.
        $loading->pop();
        $handler($request, $response);
        return;
    }
    $names = [];
    foreach ($releases as $row) {
        $names[$row['name']] = true;
    }
    $names = array_map(strval(...), array_keys($names));
    sort($names);
    $response->header('Content-Type', 'application/json');
    $response->header('Cache-Control', 'no-store');
    $response->end(json_encode(['status' => 'ok', 'releases' => $names, 'connections' => $server->stats()['connection_num']]) . "\n");
});
$server->start();
