--TEST--
A gRPC service handles requests of an HTTP server in both modes, and with open_grpc_protocol messages and replies take turns
--SKIPIF--
<?php
require __DIR__ . '/../inc/grpc.inc';
need_grpcio();
--EXTENSIONS--
swoole
pcntl
--FILE--
<?php
require __DIR__ . '/../inc/grpc.inc';
require __DIR__ . '/../inc/grpc_service.inc';
foreach ([[SWOOLE_BASE, false], [SWOOLE_PROCESS, false], [SWOOLE_BASE, true], [SWOOLE_PROCESS, true]] as [$mode, $streams]) {
    $server = new Swoole\Http\Server('127.0.0.1', 0, $mode);
    $server->set([$streams ? 'open_grpc_protocol' : 'open_http2_protocol' => true, 'worker_num' => $streams ? 1 : 2, 'worker_max_concurrency' => $streams ? 1 : 0, 'package_max_length' => 8 << 20, 'log_level' => SWOOLE_LOG_NONE]);
    $service = test_service(new Swoosh\Grpc\Service());
    $server->on('request', function ($request, $response) use ($service) {
        $request->server['request_uri'] === '/page' ? $response->end('a page') : $service->handle($request, $response);
    });
    if (!$pid = pcntl_fork()) {
        set_error_handler(fn ($level, $text) => true);
        $server->start();
        exit;
    }
    echo $mode === SWOOLE_BASE ? '-- base' : '-- process', $streams ? " in turns\n" : "\n";
    for ($i = 0; $i < 500 && ($page = @file_get_contents("http://127.0.0.1:$server->port/page")) === false; $i++) usleep(10000);
    echo "$page\n";
    echo (new PythonProgram(__DIR__ . '/../inc/grpc_client.py', $server->port, $streams ? 'basics,both_ways' : 'basics'))->rest();
    posix_kill($pid, SIGTERM);
    pcntl_waitpid($pid, $status);
}
--EXPECT--
-- base
a page
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
-- process
a page
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
-- base in turns
a page
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
-- process in turns
a page
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
