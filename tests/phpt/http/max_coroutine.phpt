--TEST--
HTTP: requests beyond max_coroutine get status 503, and the server goes on
--EXTENSIONS--
swoole
pcntl
posix
--FILE--
<?php
require __DIR__ . '/../inc/http.inc';
require __DIR__ . '/../inc/server.inc';
foreach (MODES as $name => $mode) {
    $journal = new Journal();
    http_serve(['max_coroutine' => 3], function ($request, $response) use ($journal) {
        if ($request->server['request_uri'] === '/wait') {
            $journal->record('waits');
            while (!$journal->has('enough')) {
                Co::sleep(0.01);
            }
        }
        $response->end('served');
    }, function () use ($journal, $name) {
        for ($n = 0; $n < 6; $n++) {
            fwrite($all[] = http_dial(), "GET /wait HTTP/1.1\r\nHost: a\r\n\r\n");
        }
        // Those that are refused have their answers before the others go on.
        $statuses = [];
        foreach ($all as $n => $s) {
            stream_set_timeout($s, $n < 3 ? 1 : 10);
        }
        wait_for(fn () => substr_count(file_get_contents((fn () => $this->file)->call($journal)), 'waits') >= 1);
        usleep(200000);
        $journal->record('enough');
        foreach ($all as $s) {
            stream_set_timeout($s, 10);
            $statuses[] = substr(http_answer($s)[0], 9, 3);
        }
        $counts = array_count_values($statuses);
        ksort($counts);
        echo $name, ': ', json_encode(array_keys($counts)), ' ', ($counts[200] ?? 0) <= 3 && ($counts[503] ?? 0) >= 3 ? 'as limited' : json_encode($counts), ', then ', substr(http_ask('GET / HTTP/1.1')[0], 9, 3), "\n";
    }, $mode);
    $journal->end();
}
?>
--EXPECT--
process: [200,503] as limited, then 200
base: [200,503] as limited, then 200
