--TEST--
PHP's TLS streams do not block other coroutines: https, ssl and tls clients, servers, and upgraded connections
--EXTENSIONS--
swoole
pcntl
posix
openssl
--FILE--
<?php
require __DIR__ . '/../inc/server.inc';
require __DIR__ . '/../inc/tls.inc';
use Swoole\Coroutine;
use function Swoole\Coroutine\run;

$authority = new Authority();
file_put_contents($authority->file('both.pem'), file_get_contents($authority->file('server.pem')) . file_get_contents($authority->file('server.key')));
Swoole\Runtime::enableCoroutine(SWOOLE_HOOK_ALL);

/** Counts how often other coroutines ran meanwhile. */
function beside(callable $work): int
{
    $turns = 0;
    $ticks = Swoole\Timer::tick(1, function () use (&$turns) { $turns++; });
    $work();
    Swoole\Timer::clear($ticks);
    return $turns;
}

// A slow HTTPS server in its own process.
$journal = serve(function ($server, $journal) use ($authority) {
    $server->set($authority->pair() + ['open_http_protocol' => true]);
    $server->on('receive', function ($server, $fd, $reactor, $data) {
        Coroutine::sleep(0.1);
        $body = str_repeat('page ', 40000);
        $server->send($fd, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: " . strlen($body) . "\r\n\r\n$body");
        $server->close($fd);
    });
}, function ($ports, $journal) use ($authority) {
    fclose(connect($ports[0]));
    run(function () use ($ports, $journal, $authority) {
        [$waiting, $at_once] = [0, 0];
        $turns = beside(function () use ($ports, $journal, $authority, &$waiting, &$at_once) {
            $all = [];
            for ($n = 0; $n < 8; $n++) {
                $all[] = go(function () use ($ports, $journal, $authority, &$waiting, &$at_once) {
                    $at_once = max($at_once, ++$waiting);
                    $page = file_get_contents("https://127.0.0.1:$ports[0]/", false, trusting($authority));
                    $waiting--;
                    $journal->record('https: ' . strlen($page));
                });
            }
            Coroutine::join($all);
        });
        $journal->record('together: ' . var_export($at_once > 1, true) . ', others: ' . var_export($turns > 0, true));
        $named = file_get_contents("https://localhost:$ports[0]/", false, stream_context_create(['ssl' => ['cafile' => $authority->file('ca.pem')]]));
        $journal->record('by name: ' . strlen($named));
        $bad = @file_get_contents("https://127.0.0.1:$ports[0]/", false, trusting($authority, 'other.example'));
        $journal->record('another name: ' . var_export($bad, true));
    });
}, SWOOLE_PROCESS, SWOOLE_SOCK_TCP | SWOOLE_SSL);
echo implode("\n", array_unique($journal)), "\n", count($journal), " lines\n";

run(function () use ($authority) {
    foreach (['ssl', 'tls', 'tlsv1.2', 'tlsv1.3'] as $scheme) {
        $own = stream_context_create(['ssl' => ['local_cert' => $authority->file('both.pem')]]);
        $server = stream_socket_server("$scheme://127.0.0.1:0", $code, $why, STREAM_SERVER_BIND | STREAM_SERVER_LISTEN, $own);
        $port = explode(':', stream_socket_get_name($server, false))[1];
        go(function () use ($server) {
            $conn = stream_socket_accept($server, 10);
            // A long message in small pieces: decrypted data that is not read yet is kept.
            while (($piece = fread($conn, 1000)) !== '' && $piece !== false) {
                fwrite($conn, $piece);
            }
            fclose($conn);
        });
        $turns = beside(function () use ($scheme, $port, $authority) {
            $client = stream_socket_client("$scheme://127.0.0.1:$port", $code, $why, 10, STREAM_CLIENT_CONNECT, trusting($authority));
            $message = str_repeat('0123456789', 100_000);
            go(fn () => fwrite($client, $message));
            echo "$scheme: ", md5(read_all($client, 1_000_000)) === md5($message) ? 'whole' : 'broken', ' ', stream_get_meta_data($client)['crypto']['protocol'] ?? '', "\n";
            stream_set_timeout($client, 0, 50_000);
            $nothing = fread($client, 10);
            echo var_export($nothing, true), ' ', stream_get_meta_data($client)['timed_out'] ? 'timed out' : 'not timed out', "\n";
            fclose($client);
        });
        echo 'others: ', var_export($turns > 0, true), "\n";
        fclose($server);
    }

    // A server that starts TLS only after a plaintext line, and one that never answers.
    $server = stream_socket_server('tcp://127.0.0.1:0', $code, $why, STREAM_SERVER_BIND | STREAM_SERVER_LISTEN, stream_context_create(['ssl' => ['local_cert' => $authority->file('both.pem')]]));
    $port = explode(':', stream_socket_get_name($server, false))[1];
    go(function () use ($server) {
        $conn = stream_socket_accept($server, 10);
        echo fgets($conn);
        fwrite($conn, "go on\n");
        Coroutine::sleep(0.05);
        var_dump(stream_socket_enable_crypto($conn, true, STREAM_CRYPTO_METHOD_TLS_SERVER));
        echo 'sealed: ', fgets($conn);
        fwrite($conn, "one\ntwo\n");
        $silent = stream_socket_accept($server, 10);
        Coroutine::sleep(0.5);
    });
    $client = stream_socket_client("tcp://127.0.0.1:$port", $code, $why, 10, STREAM_CLIENT_CONNECT, trusting($authority));
    fwrite($client, "STARTTLS\n");
    echo fgets($client);
    $turns = beside(function () use ($client) {
        var_dump(stream_socket_enable_crypto($client, true, STREAM_CRYPTO_METHOD_TLS_CLIENT));
    });
    echo 'others: ', var_export($turns > 0, true), "\n";
    fwrite($client, "hello\n");
    $read = [$client];
    $write = $except = null;
    echo stream_select($read, $write, $except, 5), ' ', fgets($client), fgets($client);
    $turns = beside(function () use ($port, $authority) {
        $silent = @stream_socket_client("ssl://127.0.0.1:$port", $code, $why, 0.1, STREAM_CLIENT_CONNECT, trusting($authority));
        var_dump($silent);
    });
    echo 'others: ', var_export($turns > 0, true), "\n";
});
?>
--EXPECT--
https: 200000
together: true, others: true
by name: 200000
another name: false
11 lines
ssl: whole TLSv1.3
false timed out
others: true
tls: whole TLSv1.3
false timed out
others: true
tlsv1.2: whole TLSv1.2
false timed out
others: true
tlsv1.3: whole TLSv1.3
false timed out
others: true
STARTTLS
go on
bool(true)
others: true
bool(true)
sealed: hello
1 one
two
bool(false)
others: true
