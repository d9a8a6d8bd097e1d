--TEST--
The chat and the page of live statistics work in real browsers
--EXTENSIONS--
swoole
posix
pcntl
--SKIPIF--
<?php
require __DIR__ . '/../inc/components.inc';
need_components('chromium');
?>
--FILE--
<?php
require __DIR__ . '/../inc/example.inc';
require __DIR__ . '/../inc/chromium.inc';
$chat = Example::start('chat/server');
$stats = Example::start('realtime_stats/server');
Co\run(function () use ($chat, $stats) {
    $browser = new Chromium();
    $people = [];
    foreach (['Ann', 'Bob', 'Eve'] as $name) {
        $people[$name] = $page = $browser->open("http://127.0.0.1:{$chat->ports[0]}/");
        $page->waitFor('socket.readyState === WebSocket.OPEN');
        $page->submit(['room' => 'tea', 'name' => $name]);
        $page->waitFor("document.body.innerText.includes('$name is here')");
    }
    $people['Ann']->submit(['text' => "good morning, caf\u{e9}"]);
    $people['Bob']->waitFor("document.body.innerText.includes('Ann: good morning')");
    $people['Bob']->submit(['text' => '<img src=x onerror="document.title = 1"><b>hello</b> Ann']);
    foreach ($people as $name => $page) {
        $page->waitFor("document.body.innerText.includes('hello</b> Ann')");
        echo "$name sees: ", implode(' | ', $page->evaluate("[...document.querySelectorAll('#lines li')].slice(0, 2).map(line => line.textContent)")), "\n";
        echo $page->evaluate("document.querySelectorAll('img, b').length + ' pieces of HTML, ' + document.getElementById('names').textContent + ', ' + document.title"), "\n";
    }
    $people['Ann']->evaluate('socket.close(), true');
    echo $people['Eve']->waitFor("document.body.innerText.includes('Ann is gone') && document.getElementById('names').textContent"), "\n";

    $page = $browser->open("http://127.0.0.1:{$stats->ports[0]}/");
    $number = fn (string $id) => "+document.getElementById('$id').textContent.replaceAll(',', '')";
    $before = $page->waitFor($number('requests'));
    for ($i = 0; $i < 30; $i++) {
        file_get_contents("http://127.0.0.1:{$stats->ports[0]}/work");
    }
    $page->waitFor("{$number('requests')} >= $before + 30");
    $page->waitFor("{$number('up')} >= 1");
    echo 'the figures move, and the line has ', $page->waitFor("document.querySelector('polyline').points.length > 1") ? 'points' : '', "\n";
});
echo 'status ', $chat->stop(), ' ', $stats->stop(), "\n";
?>
--EXPECT--
Ann sees: Bob: <img src=x onerror="document.title = 1"><b>hello</b> Ann | Ann: good morning, café
0 pieces of HTML, in tea: Ann, Bob, Eve, Chat
Bob sees: Bob: <img src=x onerror="document.title = 1"><b>hello</b> Ann | Ann: good morning, café
0 pieces of HTML, in tea: Ann, Bob, Eve, Chat
Eve sees: Bob: <img src=x onerror="document.title = 1"><b>hello</b> Ann | Ann: good morning, café
0 pieces of HTML, in tea: Ann, Bob, Eve, Chat
in tea: Bob, Eve
the figures move, and the line has points
status 0 0
