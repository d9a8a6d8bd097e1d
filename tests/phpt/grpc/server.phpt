--TEST--
The gRPC server serves calls of all four kinds to grpcio, both directions of a stream at once, and over TLS
--SKIPIF--
<?php
require __DIR__ . '/../inc/grpc.inc';
need_grpcio();
--EXTENSIONS--
swoole
pcntl
openssl
--FILE--
<?php
require __DIR__ . '/../inc/grpc.inc';
require __DIR__ . '/../inc/grpc_service.inc';
require __DIR__ . '/../inc/tls.inc';
$authority = new Authority();
foreach ([['basics,both_ways', []], ['both_ways', $authority->pair() + ['compression' => 'gzip']]] as [$mode, $settings]) {
    $server = new Swoosh\Grpc\Server('127.0.0.1', 0, $settings);
    test_service($server);
    if (!$pid = pcntl_fork()) {
        set_error_handler(fn ($level, $text) => true);
        $server->start();
        exit;
    }
    echo "-- $mode\n";
    $client = new PythonProgram(__DIR__ . '/../inc/grpc_client.py', $server->port, $mode, ...($settings ? [$authority->file('ca.pem')] : []));
    echo $client->rest();
    posix_kill($pid, SIGKILL);
    pcntl_waitpid($pid, $status);
}
--EXPECT--
-- basics,both_ways
unary b'hello' b'' 1000000 bytes
metadata plain a,b b'\x00\xff\n' yes b'\x00\xff' OK
fail NOT_FOUND: gibt es nicht: ü % 100
trailers test
broken UNKNOWN: the handler has failed
unknown UNIMPLEMENTED: there is no method /test.Service/Nothing
no reply UNKNOWN: the handler has failed
too long RESOURCE_EXHAUSTED: a message has 4194305 bytes, more than 4194304
compressed 100000 bytes 100000 bytes
big reply 20000000 bytes
count [b'message 0', b'message 1', b'message 2'] 20000
generator [b'yielded 0', b'yielded 1', b'yielded 2']
join b'a|b||c' 79999 bytes
nothing to join b''
unary given two INTERNAL: there is more than one message
chat [b'you said one', b'you said two']
early RESOURCE_EXHAUSTED: not today
deadline DEADLINE_EXCEEDED
remaining True b'none'
many at once, wrong 0
in turn 100 b'you said 0' b'you said 99'
head first yes []
endless ended b'CANCELLED after some'
-- both_ways
in turn 100 b'you said 0' b'you said 99'
head first yes []
endless ended b'CANCELLED after some'
