--TEST--
Swoole\Coroutine\Http\Client handles requests, responses, files, compression, kept-alive connections and faults
--EXTENSIONS--
swoole
pcntl
posix
zlib
--FILE--
<?php
use Swoole\Coroutine as Co;
use Swoole\Coroutine\Http\{Client, Server};

/** A peer that answers each connection's requests with given bytes, and records the requests. */
final class Peer
{
    public int $port;
    public array $heard = [];
    public int $connections = 0;
    private Co\Socket $socket;

    public function __construct(array $answers, private bool $closes = false)
    {
        $this->socket = new Co\Socket(AF_INET, SOCK_STREAM);
        $this->socket->bind('127.0.0.1');
        $this->socket->listen();
        $this->port = $this->socket->getsockname()['port'];
        go(function () use ($answers) {
            while ($c = $this->socket->accept()) {
                $this->connections++;
                go(function () use ($c, &$answers) {
                    while (($head = $c->recv(65536)) !== '' && $head !== false) {
                        $this->heard[] = $head;
                        foreach ((array) array_shift($answers) as $part) {
                            $c->sendAll($part);
                            Co::sleep(0.002);
                        }
                        if ($this->closes || !$answers) break;
                    }
                    $c->close();
                });
            }
        });
    }

    public function client(array $settings = []): Client
    {
        $client = new Client('127.0.0.1', $this->port);
        $client->set($settings + ['timeout' => 5]);
        return $client;
    }

    public function end(): void
    {
        $this->socket->cancel();
    }
}
$ok = fn (string $body, string $more = '') => "HTTP/1.1 200 OK\r\nContent-Length: " . strlen($body) . "\r\n$more\r\n$body";

Co\run(function () use ($ok) {
    // The bytes of requests, and responses that arrive in pieces.
    $peer = new Peer([str_split($ok('first', "X-A: 1\r\nX-A: 2\r\nSet-Cookie: a=b%20c; path=/\r\n"), 7), $ok('second'), ["HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n", $ok('third')]]);
    $client = $peer->client();
    $client->setHeaders(['X-Own' => 'v', 'X-List' => ['p', 'q'], 'Content-Length' => '99']);
    var_dump($client->get('/one?x=y'), $client->body, json_encode($client->headers), json_encode($client->cookies));
    var_dump($client->post('/two', ['k' => ['a', 'b c']]), $client->body, $client->set_cookie_headers);
    $client->setMethod('PUT');
    $client->setData('raw');
    var_dump($client->execute('/three'), $client->body, $client->statusCode, $peer->connections);
    echo preg_replace('/127.0.0.1:\d+/', 'HOST', implode("\n---\n", $peer->heard)), "\n";
    $peer->end();

    // A connection that the peer has closed meanwhile is reopened; one that ends within a response is an error.
    $peer = new Peer([$ok('a'), $ok('b'), "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"], true);
    $client = $peer->client();
    foreach ([1, 2] as $n) {
        var_dump($client->get('/'), $client->body, $client->connected);
        Co::sleep(0.02);
    }
    var_dump($peer->connections, $client->get('/'), $client->statusCode, $client->errCode, $client->connected);
    $peer->end();

    // Values that would split a request in two are not sent.
    $peer = new Peer([$ok('never')]);
    $client = $peer->client();
    foreach ([['X: y' => '1'], ['X' => "a\r\nY: b"]] as $headers) {
        $client->setHeaders($headers);
        var_dump(@$client->get('/'));
    }
    $client->setHeaders([]);
    var_dump(@$client->get("/ HTTP/1.1\r\nX: y"));
    $client->setMethod("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    var_dump(@$client->execute('/'), $peer->heard);
    $peer->end();

    // Compressed bodies, and decompression bombs.
    $long = str_repeat('squeeze ', 1000);
    $packed = ['gzip' => gzencode($long), 'deflate' => gzcompress($long), 'raw deflate' => gzdeflate($long), 'twice' => gzencode('one') . gzencode('two'), 'half' => substr(gzencode($long), 0, 40), 'garbage' => 'no gzip at all'];
    foreach ($packed as $name => $bytes) {
        $peer = new Peer([str_split($ok($bytes, 'Content-Encoding: ' . (str_contains($name, 'deflate') ? 'deflate' : 'gzip') . "\r\n"), 100)]);
        $client = $peer->client();
        echo $name, ' ', json_encode($client->get('/')), ' ', strlen($client->body), ' ', $client->body === $long ? 'same' : $client->body, ' ', $client->errCode, "\n";
        $peer->end();
    }
    $bomb = gzencode(str_repeat("\0", 50_000_000));
    $peer = new Peer([$ok($bomb, "Content-Encoding: gzip\r\n")]);
    $client = $peer->client(['package_max_length' => 1_000_000]);
    memory_reset_peak_usage();
    var_dump($client->get('/'), $client->errCode, $client->body, memory_get_peak_usage(true) < 30_000_000);
    $peer->end();

    // Timeouts apply to the whole response, however slowly its bytes arrive.
    $peer = new Peer([array_merge(["HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"], array_fill(0, 1000, 'x'))]);
    $client = $peer->client(['timeout' => 0.1]);
    $from = microtime(true);
    var_dump($client->get('/'), $client->statusCode, $client->errCode, microtime(true) - $from < 3);
    $peer->end();
});
Co\run(function () use ($ok) {
    // Through an HTTP proxy, which sees the whole target.
    $peer = new Peer([$ok('by proxy')]);
    $client = new Client('far.test', 8080);
    $client->set(['http_proxy_host' => '127.0.0.1', 'http_proxy_port' => $peer->port, 'http_proxy_user' => 'u', 'http_proxy_password' => 'p', 'timeout' => 5]);
    var_dump($client->get('/path'), $client->body, strtok($peer->heard[0], "\r"), str_contains($peer->heard[0], "\r\nHost: far.test:8080\r\n"), str_contains($peer->heard[0], 'Proxy-Authorization: Basic ' . base64_encode('u:p')));
    $peer->end();

    // Forms with files, which are read while they are sent; downloads; both against a server in this process.
    $server = new Server('127.0.0.1', 0);
    $server->set(['package_max_length' => 64 << 20]);
    $server->handle('/', function ($request, $response) {
        $files = array_map(fn ($f) => [$f['name'], $f['type'], $f['size'], md5_file($f['tmp_name'])], $request->files ?? []);
        $response->end(json_encode([$request->post, $files, $request->rawContent() === '' ? 0 : 'some'], JSON_UNESCAPED_SLASHES));
    });
    $server->handle('/get', function ($request, $response) {
        $response->header('X-Range', $request->header['range'] ?? 'none');
        for ($i = 0; $i < 300; $i++) $response->write(str_repeat(chr(97 + $i % 26), 10000));
        $response->end();
    });
    go(fn () => $server->start());
    $file = tempnam(sys_get_temp_dir(), 'swoosh');
    file_put_contents($file, $data = random_bytes(20_000_000));
    $client = new Client('127.0.0.1', $server->port);
    $client->set(['timeout' => 20]);
    $client->addFile($file, 'big', 'image/png', "a\"b\r\n.png");
    $client->addFile($file, 'part', null, 'part.txt', 5, 10);
    $client->addData('content', 'data');
    var_dump($client->post('/', ['f' => 'v', 'l' => ['1', '2']]));
    $got = json_decode($client->body, true);
    echo json_encode($got[0]), ' ', json_encode([array_slice($got[1]['big'], 0, 3), $got[1]['big'][3] === md5($data), array_slice($got[1]['part'], 0, 3), $got[1]['part'][3] === md5(substr($data, 5, 10)), $got[1]['data'][3] === md5('content')]), ' ', json_encode($client->uploadFiles), "\n";
    file_put_contents($file, 'ABC');
    $client->setHeaders(['Range' => 'bytes=3-']);
    var_dump($client->download('/get', $file, 3), $client->body, $client->headers['x-range'], filesize($file), substr(file_get_contents($file), 0, 5));
    unlink($file);
    // Piece by piece to a function, which may wait.
    $client = new Client('127.0.0.1', $server->port);
    $pieces = $bytes = 0;
    $client->set(['write_func' => function ($client, $data) use (&$pieces, &$bytes) { $pieces++; $bytes += strlen($data); if ($pieces === 1) Co::sleep(0.01); }]);
    var_dump($client->get('/get'), $bytes, $pieces > 1, $client->body);
    // A hundred at once.
    $slow = fn ($request, $response) => Co::sleep(0.05) || 1 and $response->end($request->get['n']);
    $server->handle('/slow', $slow);
    $wait = new Co\WaitGroup();
    $own = 0;
    $from = microtime(true);
    for ($i = 0; $i < 100; $i++) {
        $wait->add();
        go(function () use ($i, $server, $wait, &$own) {
            $client = new Client('127.0.0.1', $server->port);
            $client->get("/slow?n=$i");
            $own += $client->body === "$i";
            $wait->done();
        });
    }
    $wait->wait();
    var_dump($own, microtime(true) - $from < 3);
    // A deferred response; two of them; a coroutine that is cancelled while it waits for one.
    $client = new Client('127.0.0.1', $server->port);
    $client->setDefer();
    var_dump($client->get('/slow?n=1'), $client->get('/slow?n=2'), $client->recv(), $client->body, $client->recv(), $client->body, $client->recv());
    $cid = go(function () use ($server) {
        $client = new Client('127.0.0.1', $server->port);
        var_dump($client->get('/slow?n=3'), $client->errCode === SOCKET_ECANCELED, $client->connected);
    });
    Co::sleep(0.01);
    Co::cancel($cid);
    $server->shutdown();
});
?>
--EXPECT--
bool(true)
string(5) "first"
string(70) "{"content-length":"5","x-a":["1","2"],"set-cookie":"a=b%20c; path=\/"}"
string(11) "{"a":"b c"}"
bool(true)
string(6) "second"
NULL
bool(true)
string(5) "third"
int(200)
int(1)
GET /one?x=y HTTP/1.1
Host: HOST
X-Own: v
X-List: p
X-List: q
Connection: keep-alive
Accept-Encoding: gzip, deflate, br


---
POST /two HTTP/1.1
Host: HOST
X-Own: v
X-List: p
X-List: q
Connection: keep-alive
Accept-Encoding: gzip, deflate, br
Cookie: a=b+c
Content-Type: application/x-www-form-urlencoded
Content-Length: 23

k%5B0%5D=a&k%5B1%5D=b+c
---
PUT /three HTTP/1.1
Host: HOST
X-Own: v
X-List: p
X-List: q
Connection: keep-alive
Accept-Encoding: gzip, deflate, br
Cookie: a=b+c
Content-Length: 3

raw
bool(true)
string(1) "a"
bool(true)
bool(true)
string(1) "b"
bool(true)
int(2)
bool(false)
int(-3)
int(104)
bool(false)
bool(false)
bool(false)
bool(false)
bool(false)
array(0) {
}
gzip true 8000 same 0
deflate true 8000 same 0
raw deflate true 8000 same 0
twice true 6 onetwo 0
half false 0  7102
garbage false 0  7102
bool(false)
int(7102)
string(0) ""
bool(true)
bool(false)
int(-2)
int(110)
bool(true)
bool(true)
string(8) "by proxy"
string(38) "GET http://far.test:8080/path HTTP/1.1"
bool(true)
bool(true)
bool(true)
{"f":"v","l":["1","2"]} [["a%22b%0D%0A.png","image\/png",20000000],true,["part.txt","application\/octet-stream",10],true,true] null
bool(true)
string(0) ""
string(8) "bytes=3-"
int(3000003)
string(5) "ABCaa"
bool(true)
int(3000000)
bool(true)
string(0) ""
int(100)
bool(true)
bool(true)
bool(true)
bool(true)
string(1) "1"
bool(true)
string(1) "2"
bool(false)
bool(false)
bool(true)
bool(false)
