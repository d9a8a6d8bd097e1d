--TEST--
Chromium loads a page over HTTP/2 in both modes, many resources at once, an upload, and events beside them
--SKIPIF--
<?php
require __DIR__ . '/../inc/components.inc';
need_components('chromium');
?>
--EXTENSIONS--
swoole
openssl
pcntl
posix
--FILE--
<?php
require __DIR__ . '/../inc/http2_tls_server.inc';
require __DIR__ . '/../inc/example.inc';
require __DIR__ . '/../inc/chromium.inc';
http2_tls_serve(function (int $port, Authority $authority, string $mode) {
    Co\run(function () use ($port, $mode) {
        $browser = new Chromium('--ignore-certificate-errors');
        $page = $browser->open("https://localhost:$port/");
        $page->waitFor("document.title === 'page'");
        echo "$mode ", $page->evaluate("performance.getEntriesByType('navigation')[0].nextHopProtocol"), "\n";
        $script = <<<'JS'
            window.done = null;
            (async () => {
                const source = new EventSource('/events');
                const events = new Promise((resolve) => source.onmessage = ({ data }) => data === 'event 3' && resolve(data));
                const numbers = await Promise.all([...Array(100).keys()].map(async (n) => (await (await fetch(`/number/${n}`)).text()) === `you asked for /number/${n}`));
                const body = 'u'.repeat(300000);
                const echo = await (await fetch('/echo', { method: 'POST', body })).text();
                const parts = await (await fetch('/parts')).text();
                const protocols = new Set(performance.getEntriesByType('resource').filter((one) => one.responseEnd > 0).map((one) => one.nextHopProtocol));
                window.done = [numbers.every((right) => right), echo === body, parts.split('\n').length, await events, [...protocols].join()].join(' ');
                source.close();
            })().catch((error) => window.done = String(error));
            true
            JS;
        $page->evaluate($script);
        echo $page->waitFor('window.done'), "\n";
    });
});
?>
--EXPECT--
base h2
true true 6 event 3 h2
process h2
true true 6 event 3 h2
