--TEST--
A TLS server handles large and small packets, files, client certificates and names, beside a plain port
--EXTENSIONS--
swoole
pcntl
posix
openssl
--FILE--
<?php
require __DIR__ . '/../inc/server.inc';
require __DIR__ . '/../inc/tls.inc';
$authority = new Authority();
$authority->certify('other', 'other.example');
$authority->certify('client', 'client');
$authority->selfSign('alone', 'alone');
file_put_contents($authority->file('text'), str_repeat('0123456789', 50000));

foreach (MODES as $name => $mode) {
    $journal = serve(function ($server, $journal) use ($authority) {
        var_dump($server->ssl, $server->ports[0]->ssl, $server->type === SWOOLE_SOCK_TCP);
        $plain = $server->listen('127.0.0.1', 0, SWOOLE_SOCK_TCP);
        var_dump($plain->ssl);
        $strict = $server->listen('127.0.0.1', 0, SWOOLE_SOCK_TCP | SWOOLE_SSL);
        var_dump($strict->ssl);
        $server->set($authority->pair() + [
            'open_length_check' => true, 'package_length_type' => 'N', 'package_max_length' => 4 << 20, 'worker_num' => 2,
            'ssl_sni_certs' => ['other.example' => $authority->pair('other')],
        ]);
        $plain->set(['open_eof_split' => true, 'package_eof' => "\n"]);
        $strict->set($authority->pair() + [
            'ssl_verify_peer' => true, 'ssl_client_cert_file' => $authority->file('ca.pem'), 'ssl_verify_depth' => 2,
        ]);
        $server->on('connect', fn () => $journal->record('connect'));
        $server->on('receive', function ($server, $fd, $reactor, $data) use ($authority) {
            match (substr($data, 4, 4)) {
                'file' => $server->sendfile($fd, $authority->file('text')),
                'last' => $server->send($fd, 'bye') && $server->close($fd),
                default => $server->send($fd, $data),
            };
        });
        $plain->on('receive', fn ($server, $fd, $reactor, $data) => $server->send($fd, "plain $data"));
        $strict->on('receive', function ($server, $fd, $reactor, $data) {
            $info = $server->getClientInfo($fd);
            $shown = openssl_x509_parse($info['ssl_client_cert'] ?? '')['subject']['CN'] ?? 'not known here';
            $server->send($fd, $shown);
        });
        $server->on('close', fn () => $journal->record('close'));
    }, function ($ports, $journal) use ($authority) {
        $c = connect_tls($ports[0], trusting($authority));
        foreach ([1, 16384, 2_000_000] as $length) {
            $packet = pack('N', $length) . str_repeat('x', $length);
            fwrite($c, $packet);
            $journal->record("$length: " . var_export(read_all($c, $length + 4) === $packet, true));
        }
        fwrite($c, pack('N', 4) . 'file');
        $journal->record('file: ' . md5(read_all($c, 500000)));
        fwrite($c, pack('N', 4) . 'last');
        $journal->record('last: ' . stream_get_contents($c));
        $shown = fn ($c) => openssl_x509_parse(stream_context_get_params($c)['options']['ssl']['peer_certificate'])['subject']['CN'];
        foreach (['localhost', 'other.example'] as $host) {
            $c = connect_tls($ports[0], trusting($authority, $host, ['capture_peer_cert' => true]));
            $journal->record($shown($c));
        }
        $journal->record(rtrim(ask(connect($ports[1]), "hello\n")));
        $of = fn ($name) => trusting($authority, 'localhost', ['local_cert' => $authority->file("$name.pem"), 'local_pk' => $authority->file("$name.key")]);
        $journal->record('client: ' . ask(connect_tls($ports[2], $of('client')), 'x'));
        foreach (['nobody' => trusting($authority), 'alone' => $of('alone')] as $who => $context) {
            $c = connect_tls($ports[2], $context);
            $answer = $c ? @ask($c, 'x') : '';
            $journal->record("$who: " . var_export($answer, true));
        }
    }, $mode, SWOOLE_SOCK_TCP | SWOOLE_SSL);
    echo "-- $name\n", implode("\n", array_filter($journal, fn ($line) => !in_array($line, ['connect', 'close']))), "\n";
}

// A server whose certificate is missing, unreadable or of another key ends with status 255.
foreach ([
    [],
    ['ssl_cert_file' => '/no/such/file', 'ssl_key_file' => $authority->file('server.key')],
    ['ssl_key_file' => $authority->file('other.key')] + $authority->pair(),
] as $files) {
    if (!pcntl_fork()) {
        $server = new Swoole\Server('127.0.0.1', 0, SWOOLE_BASE, SWOOLE_SOCK_TCP | SWOOLE_SSL);
        $server->on('receive', fn () => 0);
        $server->set($files);
        ob_start(fn ($text) => str_replace($authority->folder, 'FOLDER', $text));
        $server->start();
        echo "started\n";
        exit(0);
    }
    pcntl_wait($status);
    echo "\n", pcntl_wexitstatus($status), "\n";
}
$server = new Swoole\Server('127.0.0.1', 0, SWOOLE_BASE, SWOOLE_SOCK_TCP);
$server->set(['ssl_dhparam' => '/a', 'ssl_compress' => true]);
$server->set(['ssl_compress' => false]);
try {
    new Swoole\Server('127.0.0.1', 0, SWOOLE_BASE, SWOOLE_SOCK_UDP | SWOOLE_SSL);
} catch (Swoole\Exception $e) {
    echo $e->getMessage(), "\n";
}
?>
--EXPECTF--
bool(true)
bool(true)
bool(true)
bool(false)
bool(true)
-- process
1: true
16384: true
2000000: true
file: 609a85cd4d5f8894e9bb58a7d7441347
last: bye
localhost
other.example
plain hello
client: client
nobody: ''
alone: ''
bool(true)
bool(true)
bool(true)
bool(false)
bool(true)
-- base
1: true
16384: true
2000000: true
file: 609a85cd4d5f8894e9bb58a7d7441347
last: bye
localhost
other.example
plain hello
client: client
nobody: ''
alone: ''

Fatal error: Swoole\Server::start(): speak TLS: 127.0.0.1:%d: setting ssl_cert_file: "" is refused: a file in PEM form: a port that speaks TLS needs one in %s on line %d

255

Fatal error: Swoole\Server::start(): speak TLS: 127.0.0.1:%d: read the certificates of /no/such/file: No such file or directory (os error 2) in %s on line %d

255

Fatal error: Swoole\Server::start(): speak TLS: 127.0.0.1:%d: use the private key of FOLDER/other.key: it is not the key of FOLDER/server.pem in %s on line %d

255

Warning: Swoole\Server::set(): setting ssl_dhparam has no effect: keys are agreed upon over curves only (ssl_ecdh_curve) in %s on line %d

Warning: Swoole\Server::set(): setting ssl_compress has no effect: compression would give secrets away (CVE-2012-4929) in %s on line %d
TLS over datagrams (DTLS) is not served by this version
