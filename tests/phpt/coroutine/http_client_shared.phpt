--TEST--
A second coroutine that uses a client during an exchange ends the process with an error that names both
--EXTENSIONS--
swoole
--SKIPIF--
<?php if (!extension_loaded('pcntl')) exit('skip the extension pcntl is not there'); ?>
--FILE--
<?php
use Swoole\Coroutine as Co;
$kinds = [
    'get' => fn ($c) => [fn () => $c->get('/'), fn () => $c->get('/')],
    'post beside a kept connection' => function ($c) { $c->get('/'); return [fn () => $c->get('/'), fn () => $c->post('/', 'x')]; },
    'upgrade' => fn ($c) => [fn () => $c->get('/'), fn () => $c->upgrade('/')],
    'recv' => function ($c) { $c->setDefer(); $c->get('/'); return [fn () => $c->recv(), fn () => $c->recv()]; },
];
foreach ($kinds as $kind => $make) {
    $process = new Swoole\Process(function ($process) use ($make) {
        Co\run(function () use ($make) {
            $server = new Co\Http\Server('127.0.0.1', 0);
            $server->handle('/', function ($request, $response) { Co::sleep(0.05); $response->end('x'); });
            go(fn () => $server->start());
            [$first, $second] = $make(new Co\Http\Client('127.0.0.1', $server->port));
            go($first);
            go($second);
        });
    }, true, SOCK_STREAM);
    $process->start();
    $output = '';
    while ($piece = @$process->read()) $output .= $piece;
    $end = Swoole\Process::wait();
    $words = '~Socket#\d+ has already been bound to another coroutine#(\d+), reading or writing of the same socket in coroutine#(\d+) at the same time is not allowed~';
    echo $kind, ': ', preg_match($words, $output, $m) && $m[1] < $m[2] ? 'both are named' : $output, ", status {$end['code']}\n";
}
// The exchange is over once a client is closed, or its coroutine cancelled.
Co\run(function () {
    $server = new Co\Http\Server('127.0.0.1', 0);
    $server->handle('/', function ($request, $response) { Co::sleep(0.02); $response->end('x'); });
    go(fn () => $server->start());
    $client = new Co\Http\Client('127.0.0.1', $server->port);
    $first = go(function () use ($client) { var_dump($client->get('/'), $client->errCode === SOCKET_ECANCELED); });
    Co::sleep(0.001);
    $client->close();
    var_dump($client->get('/'), $client->body);
    $first = go(fn () => var_dump($client->get('/')));
    Co::cancel($first);
    var_dump($client->get('/'), $client->body);
    $server->shutdown();
});
?>
--EXPECT--
get: both are named, status 255
post beside a kept connection: both are named, status 255
upgrade: both are named, status 255
recv: both are named, status 255
bool(false)
bool(true)
bool(true)
string(1) "x"
bool(false)
bool(true)
string(1) "x"
