--TEST--
The pages of the examples are valid HTML, name their language, and fit a phone and a desk without scrolling sideways
--EXTENSIONS--
swoole
posix
pcntl
--SKIPIF--
<?php
require __DIR__ . '/../inc/components.inc';
need_components('chromium', 'tidy');
?>
--FILE--
<?php
require __DIR__ . '/../inc/example.inc';
require __DIR__ . '/../inc/chromium.inc';
const NAMES = ['http_server', 'http_upload', 'websocket_server', 'chat/server', 'realtime_stats/server', 'sse'];
const FITS = <<<'JS'
    document.documentElement.scrollWidth <= document.documentElement.clientWidth
    && [...document.querySelectorAll('input, button, svg, h1')].every(e => e.getBoundingClientRect().right <= document.documentElement.clientWidth)
    JS;
const LABELLED = "[...document.querySelectorAll('input')].every(e => e.labels.length || e.ariaLabel)";
foreach (NAMES as $name) {
    // Those that send pages are all here.
    $servers[$name] = $name === 'http_server' ? Example::run($name, 0) : Example::start($name);
    $servers[$name]->ports[0] ??= (int) $servers[$name]->waitFor('~127\.0\.0\.1:(\d+)~')[1];
}
foreach ([...glob(examples() . '/*.php'), ...glob(examples() . '/*/server.php')] as $file) {
    $name = substr($file, strlen(examples()) + 1, -4);
    str_contains(file_get_contents($file), 'text/html') && !isset($servers[$name]) && print "$name is not looked at\n";
}
Co\run(function () use ($servers) {
    $browser = new Chromium();
    foreach ($servers as $name => $server) {
        $address = "http://127.0.0.1:{$server->ports[0]}/";
        $tidy = proc_open([Component::find('tidy'), '-qe', '--drop-empty-elements', 'no'], [['pipe', 'r'], ['file', '/dev/null', 'w'], ['pipe', 'w']], $pipes);
        fwrite($pipes[0], file_get_contents($address));
        fclose($pipes[0]);
        echo stream_get_contents($pipes[2]);
        echo proc_close($tidy) === 0 ? '' : "$name is not valid HTML\n";
        $page = $browser->open($address);
        // The empty page that a new window begins with is complete too.
        $page->waitFor("location.port === '{$server->ports[0]}' && document.readyState === 'complete'");
        $facts = [$page->evaluate('document.documentElement.lang + " " + (document.querySelector("meta[name=viewport]")?.content ?? "-")')];
        foreach ([375, 1280] as $width) {
            $page->resize($width, 800);
            $facts[] = "$width " . $page->evaluate("innerWidth === $width && (" . FITS . ') ? "fits" : "is too wide"');
        }
        $facts[] = $page->evaluate('(' . LABELLED . ') ? "labels" : "a field without a label"');
        echo implode(', ', $facts), $page->evaluate('document.title') ? '' : ', no title', "\n";
    }
});
foreach ($servers as $server) {
    echo $server->stop(), ' ';
}
?>
--EXPECT--
en width=device-width, initial-scale=1, 375 fits, 1280 fits, labels
en width=device-width, initial-scale=1, 375 fits, 1280 fits, labels
en width=device-width, initial-scale=1, 375 fits, 1280 fits, labels
en width=device-width, initial-scale=1, 375 fits, 1280 fits, labels
en width=device-width, initial-scale=1, 375 fits, 1280 fits, labels
en width=device-width, initial-scale=1, 375 fits, 1280 fits, labels
0 0 0 0 0 0 
