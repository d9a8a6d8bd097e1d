--TEST--
Guzzle and Symfony's HttpClient run fifty requests at once in coroutines, one by one and in pools
--EXTENSIONS--
swoole
--SKIPIF--
<?php
require __DIR__ . '/../inc/components.inc';
need_components('curl');
foreach (['GuzzleHttp', 'Symfony/Component/HttpClient'] as $name) {
    is_file("/usr/share/php/$name/autoload.php") || exit("skip $name is not installed (Debian's packages php-guzzlehttp-guzzle, php-symfony-http-client)");
}
?>
--INI--
include_path=.:/usr/share/php
--FILE--
<?php
use Swoole\Coroutine as Co;
error_reporting(E_ALL & ~E_DEPRECATED);
require '/usr/share/php/GuzzleHttp/autoload.php';
require '/usr/share/php/Symfony/Component/HttpClient/autoload.php';

Co\run(function () {
    $server = new Co\Http\Server('127.0.0.1', 0);
    $gates = $waiting = [];
    // No request of a group is answered before all fifty have arrived.
    $server->handle('/', function ($request, $response) use (&$gates, &$waiting) {
        $group = $request->get['group'];
        $gate = $gates[$group] ??= new Co\Channel();
        $waiting[$group] = ($waiting[$group] ?? 0) + 1;
        $waiting[$group] < 50 ? $gate->pop() : $gate->close();
        $response->end($group . $request->get['n']);
    });
    go(fn () => $server->start());
    $url = fn ($group, $n) => "http://127.0.0.1:$server->port/?group=$group&n=$n";
    $each = function (string $group, callable $get) use ($url) {
        $done = new Co\WaitGroup();
        $right = 0;
        for ($n = 0; $n < 50; $n++) {
            $done->add();
            go(function () use ($n, $group, $get, $url, $done, &$right) {
                $right += $get($url($group, $n)) === "$group$n";
                $done->done();
            });
        }
        $done->wait();
        echo "$group: $right of 50\n";
    };

    $guzzle = new GuzzleHttp\Client();
    $each('guzzle', fn ($url) => (string) $guzzle->get($url)->getBody());
    $right = 0;
    $pool = new GuzzleHttp\Pool($guzzle, (function () use ($url) { for ($n = 0; $n < 50; $n++) yield new GuzzleHttp\Psr7\Request('GET', $url('pool', $n)); })(), [
        'concurrency' => 50,
        'fulfilled' => function ($response, $n) use (&$right) { $right += (string) $response->getBody() === "pool$n"; },
    ]);
    $pool->promise()->wait();
    echo "pool of guzzle: $right of 50\n";
    $promises = array_map(fn ($n) => $guzzle->getAsync($url('async', $n)), range(0, 49));
    $texts = array_map(fn ($r) => (string) $r->getBody(), GuzzleHttp\Promise\Utils::unwrap($promises));
    echo 'promises of guzzle: ', count(array_filter($texts, fn ($text, $n) => $text === "async$n", ARRAY_FILTER_USE_BOTH)), " of 50\n";

    $each('symfony', fn ($url) => (new Symfony\Component\HttpClient\CurlHttpClient())->request('GET', $url)->getContent());
    $client = new Symfony\Component\HttpClient\CurlHttpClient(maxHostConnections: 50);
    $responses = array_map(fn ($n) => $client->request('GET', $url('stream', $n)), range(0, 49));
    $right = 0;
    foreach ($client->stream($responses) as $response => $chunk) $right += $chunk->isLast();
    echo "stream of symfony: $right of 50\n";
    $server->shutdown();
});
?>
--EXPECT--
guzzle: 50 of 50
pool of guzzle: 50 of 50
promises of guzzle: 50 of 50
symfony: 50 of 50
stream of symfony: 50 of 50
