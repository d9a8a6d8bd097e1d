--TEST--
Coroutine classes have their short names
--EXTENSIONS--
swoole
--FILE--
<?php
foreach (['Co', 'Co\Channel', 'Co\Client', 'Co\Socket', 'Co\System', 'Co\Scheduler', 'Co\WaitGroup', 'Co\Barrier', 'Co\Lock', 'Co\Server', 'Co\Server\Connection', 'Co\Http\Client', 'Co\Http\Server'] as $name)
    echo class_exists($name) ? (new ReflectionClass($name))->getName() : "$name is missing", "\n";
?>
--EXPECT--
Swoole\Coroutine
Swoole\Coroutine\Channel
Swoole\Coroutine\Client
Swoole\Coroutine\Socket
Swoole\Coroutine\System
Swoole\Coroutine\Scheduler
Swoole\Coroutine\WaitGroup
Swoole\Coroutine\Barrier
Swoole\Coroutine\Lock
Swoole\Coroutine\Server
Swoole\Coroutine\Server\Connection
Swoole\Coroutine\Http\Client
Swoole\Coroutine\Http\Server
