--TEST--
Methods of an object whose constructor was not called throw an Error, and neither wait nor crash
--EXTENSIONS--
swoole
--FILE--
<?php
$classes = ['Client', 'Async\Client', 'Coroutine\Client', 'Coroutine\Http\Client', 'Coroutine\Channel', 'Coroutine\Socket', 'Table', 'Lock', 'Process', 'Process\Pool', 'Server', 'Http\Server', 'WebSocket\Server', 'Redis\Server'];
// They need no server.
$static = ['tick', 'after', 'clearTimer', 'addtimer', 'gettimer', 'defer', 'getLastError', 'getCallback', 'getSocket', 'getHandler', '__destruct', '__construct'];
$test = function () use ($classes, $static) {
    foreach ($classes as $class) {
        $object = (new ReflectionClass("Swoole\\$class"))->newInstanceWithoutConstructor();
        $checked = 0;
        foreach ((new ReflectionClass($object))->getMethods(ReflectionMethod::IS_PUBLIC) as $method) {
            if ($method->isStatic() || in_array($method->name, $static) || ["Swoole\\$class", $method->name] === ['Swoole\Table', 'reserve']) {
                continue;
            }
            $arguments = array_map(fn ($p) => match (ltrim(strtok((string) $p->getType(), '|'), '?')) {
                'array' => [], 'int' => 1, 'float' => 1.0, 'bool' => true, 'string' => 'x', 'callable' => fn () => null, 'Swoole\Process' => new Swoole\Process(fn () => null), default => 'x',
            }, array_slice($method->getParameters(), 0, $method->getNumberOfRequiredParameters()));
            try {
                @$method->invokeArgs($object, $arguments);
                echo "$class::$method->name returned\n";
            } catch (Error $e) {
                $checked += (bool) preg_match('/construct/', $e->getMessage());
            }
        }
        echo $class, $checked > 1 ? '' : ': methods throw something else', "\n";
    }
};
$test();
Co\run($test);
// Properties that a program unset.
foreach (['Coroutine\Http\Client' => ['127.0.0.1', 1], 'Coroutine\Client' => [SWOOLE_SOCK_TCP], 'Coroutine\Channel' => [1], 'Coroutine\Socket' => [AF_INET, SOCK_STREAM, 0]] as $class => $arguments) {
    Co\run(function () use ($class, $arguments) {
        $object = new ("Swoole\\$class")(...$arguments);
        foreach (array_keys(get_object_vars($object)) as $name) {
            try {
                unset($object->$name);
            } catch (Error) {
            }
        }
        match ($class) {
            'Coroutine\Http\Client' => [$object->setHeaders(['a' => 'b']), @$object->get('/'), $object->getBody(), $object->close()],
            'Coroutine\Client' => [$object->set(['timeout' => 1]), @$object->connect('127.0.0.1', 1), $object->close()],
            'Coroutine\Channel' => [$object->push(1), $object->pop(), $object->pop(0.001)],
            'Coroutine\Socket' => [@$object->connect('127.0.0.1', 1), $object->close()],
        };
        echo "$class works without its properties\n";
    });
}
?>
--EXPECT--
Client
Async\Client
Coroutine\Client
Coroutine\Http\Client
Coroutine\Channel
Coroutine\Socket
Table
Lock
Process
Process\Pool
Server
Http\Server
WebSocket\Server
Redis\Server
Client
Async\Client
Coroutine\Client
Coroutine\Http\Client
Coroutine\Channel
Coroutine\Socket
Table
Lock
Process
Process\Pool
Server
Http\Server
WebSocket\Server
Redis\Server
Coroutine\Http\Client works without its properties
Coroutine\Client works without its properties
Coroutine\Channel works without its properties
Coroutine\Socket works without its properties
