--TEST--
TLS: a certificate of X.509 version 1, without extensions, is served and accepted where verification is not asked for
--EXTENSIONS--
swoole
pcntl
posix
openssl
--SKIPIF--
<?php
if (!trim((string) shell_exec('command -v openssl'))) die('skip needs the program openssl');
?>
--FILE--
<?php
require __DIR__ . '/../inc/http.inc';
$at = sys_get_temp_dir() . '/v1' . getmypid();
exec("openssl req -newkey rsa:2048 -nodes -keyout $at.key -subj /CN=localhost -out $at.csr 2>/dev/null && openssl x509 -req -in $at.csr -signkey $at.key -days 9 -out $at.pem 2>/dev/null");
// Newer programs make version 3 unless they are asked for this one.
if (openssl_x509_parse(file_get_contents("$at.pem"))['version'] !== 0) {
    // Without the system's configuration, whose extensions would make it version 3 again.
    file_put_contents("$at.cnf", "[req]\ndistinguished_name = name\n[name]\n");
    exec("openssl req -x509 -x509v1 -config $at.cnf -key $at.key -subj /CN=localhost -days 9 -out $at.pem 2>/dev/null");
}
echo 'version ', openssl_x509_parse(file_get_contents("$at.pem"))['version'], "\n";
foreach ([SWOOLE_BASE => 'base', SWOOLE_PROCESS => 'process'] as $mode => $name) {
    $server = new Swoole\Http\Server('127.0.0.1', 0, $mode, SWOOLE_SOCK_TCP | SWOOLE_SSL);
    $server->set(['worker_num' => 1, 'log_level' => SWOOLE_LOG_NONE, 'ssl_cert_file' => "$at.pem", 'ssl_key_file' => "$at.key"]);
    $server->on('request', fn ($request, $response) => $response->end('ok'));
    $port = $server->port;
    $parent = getmypid();
    if (!$pid = pcntl_fork()) {
        Co\run(function () use ($port, $name) {
            for ($try = 0; $try < 500; $try++) {
                $client = new Co\Http\Client('127.0.0.1', $port, true);
                if ($client->get('/')) {
                    break;
                }
                Co::sleep(0.01);
            }
            echo "$name: $client->statusCode $client->body\n";
            $verifying = new Co\Http\Client('127.0.0.1', $port, true);
            $verifying->set(['ssl_verify_peer' => true, 'ssl_cafile' => $GLOBALS['at'] . '.pem', 'ssl_host_name' => 'localhost']);
            echo "$name, verified: ", json_encode(@$verifying->get('/')), "\n";
        });
        posix_kill($parent, SIGTERM);
        posix_kill(getmypid(), SIGKILL);
    }
    $server->start();
    pcntl_waitpid($pid, $status);
}
array_map('unlink', glob("$at.*"));
?>
--EXPECT--
version 0
base: 200 ok
base, verified: false
process: 200 ok
process, verified: false
