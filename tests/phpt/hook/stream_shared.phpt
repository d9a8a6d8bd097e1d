--TEST--
A stream closed under a coroutine, read by two coroutines, or upgraded to TLS reports it clearly
--EXTENSIONS--
swoole
--SKIPIF--
<?php foreach (['openssl', 'pcntl'] as $name) if (!extension_loaded($name)) exit("skip the extension $name is not there"); ?>
--FILE--
<?php
use Swoole\Coroutine as Co;

$key = openssl_pkey_new(['private_key_bits' => 2048]);
$request = openssl_csr_new(['commonName' => 'localhost'], $key);
$file = tempnam(sys_get_temp_dir(), 'key');
openssl_x509_export(openssl_csr_sign($request, null, $key, 1), $certificate);
openssl_pkey_export($key, $secret);
file_put_contents($file, $certificate . $secret);
$tls = stream_socket_server('tcp://127.0.0.1:0', $code, $text, STREAM_SERVER_BIND | STREAM_SERVER_LISTEN, stream_context_create(['ssl' => ['local_cert' => $file]]));
if (($child = pcntl_fork()) === 0) {
    $c = stream_socket_accept($tls);
    fwrite($c, "go on\n");
    stream_socket_enable_crypto($c, true, STREAM_CRYPTO_METHOD_TLS_SERVER);
    fwrite($c, 'secret ' . fgets($c));
    posix_kill(getmypid(), SIGKILL);
}

Co\run(function () use ($tls) {
    $l = stream_socket_server('tcp://127.0.0.1:0');
    $both = function () use ($l) {
        $f = stream_socket_client('tcp://' . stream_socket_get_name($l, false));
        return [$f, stream_socket_accept($l)];
    };

    // The reader is woken before the stream is closed.
    [$f, $s] = $both();
    go(function () use ($f) {
        var_dump(fread($f, 10));
        // A remaining reference to the closed stream is invalid.
        try {
            feof($f);
        } catch (TypeError $e) {
            echo $e->getMessage(), "\n";
        }
    });
    fclose($f);
    echo "closed\n";
    Co::sleep(0.01);
    $l2 = stream_socket_server('tcp://127.0.0.1:0');
    go(function () use ($l2) { var_dump(@stream_socket_accept($l2, 5)); });
    fclose($l2);

    // One reader and one writer are allowed. Two readers are an error.
    [$f, $s] = $both();
    go(function () use ($f) { echo fgets($f); });
    go(function () use ($f) {
        fwrite($f, "question\n");
        try {
            fgets($f);
        } catch (Error $e) {
            echo preg_replace('/\d+/', 'N', $e->getMessage()), "\n";
        }
    });
    echo fgets($s);
    fwrite($s, "answer\n");
    Co::sleep(0.01);

    // Data written after the handshake is encrypted.
    $f = stream_socket_client('tcp://' . stream_socket_get_name($tls, false), $code, $text, 5, STREAM_CLIENT_CONNECT, stream_context_create(['ssl' => ['verify_peer' => false, 'verify_peer_name' => false]]));
    echo fgets($f);
    var_dump(stream_socket_enable_crypto($f, true, STREAM_CRYPTO_METHOD_TLS_CLIENT));
    fwrite($f, "word\n");
    echo fgets($f);
});
pcntl_waitpid($child, $status);
unlink($file);
?>
--EXPECT--
bool(false)
feof(): supplied resource is not a valid stream resource
closed
bool(false)
Socket#N has already been bound to another coroutine#N, reading of the same socket in coroutine#N at the same time is not allowed
question
answer
go on
bool(true)
secret word
