<?php
// A gRPC server with calls of all four kinds, as this .proto file describes it:
//
//     package demo;
//     message Text { string text = 1; }
//     service Words {
//         rpc Greet (Text) returns (Text);
//         rpc Count (Text) returns (stream Text);
//         rpc Join (stream Text) returns (Text);
//         rpc Chat (stream Text) returns (stream Text);
//     }
//
//     php -d extension=target/release/libswoosh_php.so examples/php/grpc_server.php [port]
//
// examples/php/grpc_client.php calls it. Messages are objects with serializeToString() and mergeFromString(), as protoc generates
// them for google/protobuf; the class Text below stands for such a one.
use Swoole\Coroutine;
use Swoosh\Grpc\{Exception, Server, ServerCall, Status};

require __DIR__ . '/grpc_messages.php';

$port = (int) ($argv[1] ?? $_SERVER['SWOOSH_PORT'] ?? 9501);

// 'worker_num' => 4 serves in four processes; 'ssl_cert_file' and 'ssl_key_file' use TLS.
$server = new Server('127.0.0.1', $port, ['max_message_length' => 1 << 20]);

$server->unary('/demo.Words/Greet', function (Text $request, ServerCall $call): Text {
    if ($request->text === '') {
        throw new Exception(Status::INVALID_ARGUMENT, 'a name is needed', ['x-field' => 'text']);
    }
    $call->setTrailers(['x-served-by' => 'swoosh']);
    return new Text("hello $request->text");
}, Text::class);

// The replies are sent as they are yielded; the client's window decides how fast.
$server->serverStream('/demo.Words/Count', function (Text $request): Generator {
    for ($n = 1; $n <= min((int) $request->text, 1000); $n++) {
        yield new Text((string) $n);
        Coroutine::sleep(0.01);
    }
}, Text::class);

$server->clientStream('/demo.Words/Join', function (ServerCall $call): Text {
    $words = [];
    while (($message = $call->read()) !== null) {
        $words[] = $message->text;
    }
    return new Text(implode(' ', $words));
}, Text::class);

$server->bidiStream('/demo.Words/Chat', function (ServerCall $call): void {
    while (($message = $call->read()) !== null) {
        $call->write(new Text(strrev($message->text)));
    }
}, Text::class);

echo "gRPC on 127.0.0.1:{$server->port}, stop it with Ctrl+C\n";
$server->start();
