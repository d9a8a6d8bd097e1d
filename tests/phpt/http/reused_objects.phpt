--TEST--
HTTP: request and response are new for each callback, whatever an earlier one did with its own
--EXTENSIONS--
swoole
pcntl
posix
--FILE--
<?php
require __DIR__ . '/../inc/http.inc';
require __DIR__ . '/../inc/server.inc';
class Noisy
{
    public function __construct(private string $name, private ?Journal $journal = null) {}
    public function __destruct()
    {
        // A destructor may wait.
        Co::sleep(0.001);
        $this->journal->record("{$this->name} destroyed in coroutine: " . (Co::getCid() > 0 ? 'yes' : 'no'));
    }
}
foreach ([SWOOLE_BASE, SWOOLE_PROCESS] as $mode) {
    $journal = new Journal();
    $kept = [];
    $maps = ['weak' => null, 'map' => new WeakMap()];
    $handler = function ($request, $response) use ($journal, &$kept, &$maps) {
        $state = json_encode([
            $response->header, $response->cookie, $response->trailer, $request->post, $request->files, $request->tmpfiles,
            isset($request->user), isset($response->note), $request->get, $request->cookie, $request->header['x-a'] ?? null,
            $request->server['request_uri'], $request->fd === $response->fd,
        ]);
        $weak = ($maps['weak']?->get() === null ? 'gone' : 'there') . ' ' . count($maps['map']);
        switch ($request->server['request_uri']) {
            case '/dirty':
                $request->user = new Noisy('dynamic property', $journal);
                $response->note = 'x';
                $request->post = ['own' => 1];
                $response->header('X-Own', 'a');
                $response->cookie('c', 'd');
                $response->trailer = ['t' => new Noisy('declared property', $journal)];
                $response->status(404, 'Odd');
                break;
            case '/kept':
                $kept[] = [$request, $response];
                break;
            case '/weak':
                $maps['weak'] = WeakReference::create($request);
                $maps['map'][$response] = 1;
                break;
            case '/dumped':
                print_r($request, true);
                (array) $response;
                $response->dyn = &$request->dyn;
                break;
            case '/waits':
                Co::sleep(0.01);
                break;
            case '/look':
                [$request_before, $response_before] = $kept[0];
                $state = $request_before->server['request_uri'] . ' ' . var_export($response_before->isWritable(), true) . ' '
                    . var_export($request_before === $request, true);
                break;
        }
        $response->end("$weak $state");
    };
    http_serve(['worker_num' => 1, 'hook_flags' => 0], $handler, function () use ($journal) {
        $ask = function (string $path, string $more = '') {
            static $s;
            $s ??= http_dial();
            fwrite($s, "GET $path HTTP/1.1\r\nHost: a\r\n$more\r\n");
            [$status, $head, $body] = http_answer($s);
            return "$path $status: $body\n";
        };
        $first = $ask('/plain?a=b', "X-A: 1\r\nCookie: k=v\r\n");
        echo $first;
        foreach (['/dirty', '/plain', '/kept', '/plain', '/look', '/weak', '/plain', '/dumped', '/plain', '/waits', '/plain'] as $path) {
            echo $ask($path);
        }
        $journal->await('declared property destroyed in coroutine');
        $journal->await('dynamic property destroyed in coroutine');
        $lines = $journal->end();
        sort($lines);
        echo implode("\n", $lines), "\n";
    }, $mode);
}
?>
--EXPECT--
/plain?a=b HTTP/1.1 200 OK: gone 0 [null,null,null,null,null,null,false,false,{"a":"b"},{"k":"v"},"1","\/plain",true]
/dirty HTTP/1.1 404 Odd: gone 0 [null,null,null,null,null,null,false,false,null,null,null,"\/dirty",true]
/plain HTTP/1.1 200 OK: gone 0 [null,null,null,null,null,null,false,false,null,null,null,"\/plain",true]
/kept HTTP/1.1 200 OK: gone 0 [null,null,null,null,null,null,false,false,null,null,null,"\/kept",true]
/plain HTTP/1.1 200 OK: gone 0 [null,null,null,null,null,null,false,false,null,null,null,"\/plain",true]
/look HTTP/1.1 200 OK: gone 0 /kept false false
/weak HTTP/1.1 200 OK: gone 0 [null,null,null,null,null,null,false,false,null,null,null,"\/weak",true]
/plain HTTP/1.1 200 OK: gone 0 [null,null,null,null,null,null,false,false,null,null,null,"\/plain",true]
/dumped HTTP/1.1 200 OK: gone 0 [null,null,null,null,null,null,false,false,null,null,null,"\/dumped",true]
/plain HTTP/1.1 200 OK: gone 0 [null,null,null,null,null,null,false,false,null,null,null,"\/plain",true]
/waits HTTP/1.1 200 OK: gone 0 [null,null,null,null,null,null,false,false,null,null,null,"\/waits",true]
/plain HTTP/1.1 200 OK: gone 0 [null,null,null,null,null,null,false,false,null,null,null,"\/plain",true]
declared property destroyed in coroutine: yes
dynamic property destroyed in coroutine: yes
/plain?a=b HTTP/1.1 200 OK: gone 0 [null,null,null,null,null,null,false,false,{"a":"b"},{"k":"v"},"1","\/plain",true]
/dirty HTTP/1.1 404 Odd: gone 0 [null,null,null,null,null,null,false,false,null,null,null,"\/dirty",true]
/plain HTTP/1.1 200 OK: gone 0 [null,null,null,null,null,null,false,false,null,null,null,"\/plain",true]
/kept HTTP/1.1 200 OK: gone 0 [null,null,null,null,null,null,false,false,null,null,null,"\/kept",true]
/plain HTTP/1.1 200 OK: gone 0 [null,null,null,null,null,null,false,false,null,null,null,"\/plain",true]
/look HTTP/1.1 200 OK: gone 0 /kept false false
/weak HTTP/1.1 200 OK: gone 0 [null,null,null,null,null,null,false,false,null,null,null,"\/weak",true]
/plain HTTP/1.1 200 OK: gone 0 [null,null,null,null,null,null,false,false,null,null,null,"\/plain",true]
/dumped HTTP/1.1 200 OK: gone 0 [null,null,null,null,null,null,false,false,null,null,null,"\/dumped",true]
/plain HTTP/1.1 200 OK: gone 0 [null,null,null,null,null,null,false,false,null,null,null,"\/plain",true]
/waits HTTP/1.1 200 OK: gone 0 [null,null,null,null,null,null,false,false,null,null,null,"\/waits",true]
/plain HTTP/1.1 200 OK: gone 0 [null,null,null,null,null,null,false,false,null,null,null,"\/plain",true]
declared property destroyed in coroutine: yes
dynamic property destroyed in coroutine: yes