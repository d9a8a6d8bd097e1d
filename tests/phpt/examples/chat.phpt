--TEST--
Example chat/server.php has rooms, names and refusals, and loses no client in a reload
--EXTENSIONS--
swoole
posix
pcntl
--FILE--
<?php
require __DIR__ . '/../inc/example.inc';
require __DIR__ . '/../inc/http.inc';
$server = Example::start('chat/server');
$port = $server->ports[0];
preg_match('~kill -USR1 (\d+)~', $server->printed(), $master);
[$status, $headers, $page] = http_ask('GET / HTTP/1.1');
echo $status, ' ', $headers['content-type'], ' ', str_contains($page, 'new WebSocket(') ? 'page' : '-', ', ', http_ask('GET /chat.php HTTP/1.1')[0], "\n";
$say = function ($who, mixed $what): void { fwrite($who, ws_frame(is_string($what) ? $what : json_encode($what))); };
$hear = fn ($who) => ws_read($who)[1] ?? 'closed';
[$ann, $bob, $eve] = [ws_open('/chat'), ws_open('/chat'), ws_open('/chat')];
foreach ([['say' => 'x'], 'no JSON', '5', ['join' => ['a'], 'name' => 'b'], ['join' => 'a', 'name' => " \n "], []] as $bad) {
    $say($ann, $bad);
    echo $hear($ann), "\n";
}
$say($ann, ['join' => 'tea', 'name' => "  Ann\u{e9}\0 "]);
echo $hear($ann), "\n";
$say($bob, ['join' => 'tea', 'name' => "Ann\u{e9}"]);
echo $hear($bob), "\n";
$say($bob, ['join' => 'tea', 'name' => '<b>Bob</b>' . str_repeat("\u{1f600}", 100)]);
echo $hear($bob), ' ', $hear($ann) !== 'closed' ? "heard\n" : "closed\n";
$say($eve, ['join' => 'coffee', 'name' => "Ann\u{e9}"]);
echo $hear($eve), "\n";
// Everything continues after both workers were replaced, twice.
for ($n = 0; $n < 2; $n++) {
    $before = children($master[1]);
    posix_kill((int) $master[1], SIGUSR1);
    until(fn () => count(array_intersect(children($master[1]), $before)) === 1 && count(children($master[1])) === 3);
    $say($bob, ['say' => "still here $n " . str_repeat('x', 2000)]);
    foreach ([$bob, $ann] as $who) {
        $heard = json_decode($hear($who));
        echo strlen($heard->text), ' ', substr($heard->text, 0, 12), ' ', count($heard->names), "\n";
    }
}
$say($bob, ['join' => 'coffee', 'name' => 'Bob']);
echo $hear($ann) === $hear($bob) ? '-' : 'each room hears its own', ' ', $hear($eve), "\n";
fwrite($eve, ws_frame(pack('n', 1000), 8));
echo $hear($bob), "\n";
echo 'status ', $server->stop(), "\n";

/** The descendants of a process: the manager, and its workers. */
function children(string $of): array
{
    $list = fn ($pid) => array_filter(explode(' ', trim(@file_get_contents("/proc/$pid/task/$pid/children"))));
    return array_merge($list($of), ...array_map($list, $list($of)));
}
?>
--EXPECT--
HTTP/1.1 200 OK text/html; charset=utf-8 page, HTTP/1.1 404 Not Found
{"refused":"join a room first"}
{"refused":"that is neither join nor say"}
{"refused":"that is neither join nor say"}
{"refused":"a room and a name have letters"}
{"refused":"a room and a name have letters"}
{"refused":"that is neither join nor say"}
{"note":"Anné is here","room":"tea","names":["Anné"]}
{"refused":"that name is taken"}
{"note":"<b>Bob<\/b>😀😀😀😀😀😀😀😀😀😀😀😀😀😀 is here","room":"tea","names":["<b>Bob<\/b>😀😀😀😀😀😀😀😀😀😀😀😀😀😀","Anné"]} heard
{"note":"Anné is here","room":"coffee","names":["Anné"]}
1000 still here 0 2
1000 still here 0 2
1000 still here 1 2
1000 still here 1 2
each room hears its own {"note":"Bob is here","room":"coffee","names":["Anné","Bob"]}
{"note":"Anné is gone","room":"coffee","names":["Bob"]}
status 0
