--TEST--
HTTP: request_deadline answers 504 and cancels the request's coroutine where it waits, without affecting others
--EXTENSIONS--
swoole
pcntl
posix
--FILE--
<?php
require __DIR__ . '/../inc/server.inc';
require __DIR__ . '/../inc/http.inc';
use Swoole\Coroutine as Co;

$request = function ($request, $response) {
    global $journal;
    switch ($request->server['request_uri']) {
        case '/sleeps':
            try {
                Co::sleep(60);
            } finally {
                $journal->record('sleeps: left, ' . var_export(@$response->end('too late'), true));
            }
        case '/catches':
            try {
                (new Co\Channel())->pop();
            } catch (Co\CanceledException $e) {
                $journal->record('catches: ' . var_export($response->isWritable(), true));
                Co::sleep(0.01);
            }
            return;
        case '/begun':
            $response->write('part');
            Co::sleep(60);
        case '/given-away':
            return go(function () use ($response) {
                Co::sleep(1.2);
                $journal = $GLOBALS['journal'];
                $journal->record('given away: ' . var_export(@$response->end('too late'), true));
            });
        case '/busy':
            for ($end = microtime(true) + 0.6; microtime(true) < $end;);
            return $response->end('it never waited');
        case '/throws':
            Co::defer(fn () => $journal->record('throws: deferred'));
            Co::sleep(60);
        case '/quick':
            Co::sleep(0.2);
            return $response->end('quick');
        default:
            $response->end((string) getmypid());
    }
};
foreach ([SWOOLE_BASE, SWOOLE_PROCESS] as $mode) {
    $journal = new Journal();
    http_serve(['request_deadline' => 0.5], $request, function () use ($journal) {
        $pid = http_ask('GET /pid HTTP/1.1')[2];
        foreach (['sleeps', 'catches', 'begun', 'given-away', 'throws', 'quick'] as $path) {
            fwrite($all[$path] = http_dial(), "GET /$path HTTP/1.1\r\nHost: a\r\n\r\n");
        }
        foreach ($all as $path => $s) {
            if ($path === 'begun') {
                echo 'begun: ', json_encode(explode("\r\n\r\n", stream_get_contents($s))[1]), "\n";
                continue;
            }
            [$status, $headers, $body] = http_answer($s);
            echo "$path: ", substr($status, 9), " {$headers['connection']} $body\n";
        }
        // A request that may continue waits its full time for its next response.
        fwrite($all['quick'], str_repeat("GET /quick HTTP/1.1\r\nHost: a\r\n\r\n", 4));
        for ($n = 0; $n < 4; $n++) {
            echo http_answer($all['quick'])[2], ' ';
        }
        echo "\n", http_ask('GET /busy HTTP/1.1')[2], "\n";
        Co\run(function () {
            $old = new Co\Socket(AF_INET, SOCK_STREAM);
            $old->connect('127.0.0.1', $GLOBALS['port']);
            $old->sendAll("GET /begun HTTP/1.0\r\n\r\n");
            for ($all = ''; $part = $old->recv(1000, 10); $all .= $part);
            echo 'old: ', substr($all, -4), ', ', $part === '' ? 'ended in order' : swoole_strerror($old->errCode), "\n";
        });
        $journal->await('given away');
        echo http_ask('GET /pid HTTP/1.1')[2] === $pid ? 'the worker lives' : 'another worker', "\n";
    }, $mode);
    $told = $journal->end();
    sort($told);
    echo implode("\n", $told), "\n";
}
?>
--EXPECT--
sleeps: 504 Gateway Timeout close 
catches: 504 Gateway Timeout close 
begun: "4\r\npart\r\n"
given-away: 504 Gateway Timeout close 
throws: 504 Gateway Timeout close 
quick: 200 OK keep-alive quick
quick quick quick quick 
it never waited
old: part, Connection reset by peer
the worker lives
catches: false
given away: false
sleeps: left, false
throws: deferred
sleeps: 504 Gateway Timeout close 
catches: 504 Gateway Timeout close 
begun: "4\r\npart\r\n"
given-away: 504 Gateway Timeout close 
throws: 504 Gateway Timeout close 
quick: 200 OK keep-alive quick
quick quick quick quick 
it never waited
old: part, Connection reset by peer
the worker lives
catches: false
given away: false
sleeps: left, false
throws: deferred