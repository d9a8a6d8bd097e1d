<?php
// Calls the server of examples/php/grpc_server.php: one message or many, in each direction.
//
//     php -d extension=target/release/libswoosh_php.so examples/php/grpc_client.php [port]
use Swoosh\Grpc\{Client, Exception, Status};

require __DIR__ . '/grpc_messages.php';

$port = (int) ($argv[1] ?? $_SERVER['SWOOSH_PORT'] ?? 9501);

Swoole\Coroutine\run(function () use ($port) {
    // One connection for all coroutines; 'timeout' is the time limit of each call.
    $client = new Client('127.0.0.1', $port, ['timeout' => 5]);

    echo $client->unary('/demo.Words/Greet', new Text('world'), Text::class)->text, "\n";

    try {
        $client->unary('/demo.Words/Greet', new Text(), Text::class);
    } catch (Exception $e) {
        echo Status::nameOf($e->getCode()), ": {$e->getMessage()}, field {$e->getMetadata()['x-field'][0]}\n";
    }

    $greetings = Swoole\Coroutine\map(range(1, 5), fn (int $n) => $client->unary('/demo.Words/Greet', new Text("number $n"), Text::class)->text);
    echo implode(', ', $greetings), "\n";

    foreach ($client->serverStream('/demo.Words/Count', new Text('5'), Text::class) as $reply) {
        echo $reply->text, ' ';
    }
    echo "\n";

    $call = $client->clientStream('/demo.Words/Join', Text::class);
    foreach (['many', 'messages', 'one', 'reply'] as $word) {
        $call->write(new Text($word));
    }
    echo $call->reply()->text, "\n";

    $call = $client->bidiStream('/demo.Words/Chat', Text::class);
    foreach (['one', 'two', 'three'] as $word) {
        $call->write(new Text($word));
        echo $call->read()->text, ' ';
    }
    $call->writesDone();
    echo Status::nameOf($call->status()->code), "\n";

    try {
        // A deadline goes to the server too, which ends the call there.
        iterator_to_array($client->serverStream('/demo.Words/Count', new Text('1000'), Text::class, timeout: 0.05));
    } catch (Exception $e) {
        echo Status::nameOf($e->getCode()), "\n";
    }
});
