<?php

/**
 * Objects that live in another process: `Swoole\RemoteObject`, its client and its server.
 *
 * A request is a form over HTTP; values are serialised. An object belongs to a client and to the coroutine that made it:
 * all requests that concern it carry the numbers of both, and reach the worker that has it.
 */

declare(strict_types=1);

namespace Swoole\RemoteObject;

use Swoole\RemoteObject;

/** Why a remote call failed: the message and code of the exception over there. */
class Exception extends \RuntimeException
{
}

/** For classes whose instances stand for a remote object. */
trait ProxyTrait
{
    public function __call(string $method, array $args)
    {
        return $this->getObject()->{$method}(...$args);
    }

    public function __get(string $property)
    {
        return $this->getObject()->{$property};
    }

    public function __set(string $property, mixed $value)
    {
        $this->getObject()->{$property} = $value;
    }

    public function __toString(): string
    {
        return (string) $this->getObject();
    }

    public function __invoke(mixed ...$args)
    {
        return ($this->getObject())(...$args);
    }

    public function offsetGet(mixed $offset): mixed
    {
        return $this->getObject()->offsetGet($offset);
    }

    public function offsetSet(mixed $offset, mixed $value): void
    {
        $this->getObject()->offsetSet($offset, $value);
    }

    public function offsetUnset(mixed $offset): void
    {
        $this->getObject()->offsetUnset($offset);
    }

    public function offsetExists(mixed $offset): bool
    {
        return $this->getObject()->offsetExists($offset);
    }

    public function current(): mixed
    {
        return $this->getObject()->current();
    }

    public function next(): void
    {
        $this->getObject()->next();
    }

    public function key(): mixed
    {
        return $this->getObject()->key();
    }

    public function valid(): bool
    {
        return $this->getObject()->valid();
    }

    public function rewind(): void
    {
        $this->getObject()->rewind();
    }

    public function count(): int
    {
        return $this->getObject()->count();
    }

    abstract protected function getObject(): RemoteObject;
}

class Client
{
    /** The clients of this process by their ids. */
    private static array $instances = [];

    private string $id;

    /** Idle connections, by the coroutine whose objects they are for. */
    private array $idle = [];

    /** Options: `api_key`; the others are those of `Swoole\Coroutine\Http\Client`. */
    public function __construct(private string $host = '127.0.0.1', private int $port = Server::DEFAULT_PORT, private array $options = [])
    {
        $random = random_bytes(16);
        $random[6] = chr(ord($random[6]) & 0x0f | 0x40);
        $random[8] = chr(ord($random[8]) & 0x3f | 0x80);
        $this->id = vsprintf('%s%s-%s-%s-%s-%s%s%s', str_split(bin2hex($random), 4));
        self::$instances[$this->id] = \WeakReference::create($this);
    }

    public function __destruct()
    {
        unset(self::$instances[$this->id]);
    }

    /** Makes an object of a class. */
    public function create(string $class, mixed ...$args): RemoteObject
    {
        return RemoteObject::create($this, $class, $args);
    }

    /** Calls a function. */
    public function call(string $fn, mixed ...$args): mixed
    {
        return RemoteObject::call($this, $fn, $args);
    }

    public static function getInstance(string $clientId): ?static
    {
        return (self::$instances[$clientId] ?? null)?->get();
    }

    public function getId(): string
    {
        return $this->id;
    }

    /**
     * Sends a request and returns its reply.
     *
     * @throws Exception if the request fails
     */
    public function execute(string $path, array $array)
    {
        $coroutine = $array['coroutine_id'] ?? \Swoole\Coroutine::getCid();
        unset($array['coroutine_id']);
        $http = array_pop($this->idle) ?? $this->connect();
        $headers = ['client-id' => $this->id, 'coroutine-id' => (string) max(0, $coroutine)];
        if (isset($this->options['api_key'])) {
            $headers['x-api-key'] = $this->options['api_key'];
        }
        $http->setHeaders($headers + ['content-type' => 'application/x-www-form-urlencoded']);
        $http->post($path, $array === [] ? '' : http_build_query($array));
        [$status, $body, $code] = [$http->statusCode, (string) $http->body, $http->errCode];
        if ($status > 0) {
            $this->idle[] = $http;
        }
        if ($status !== 200) {
            throw new Exception($status < 0 ? 'the server does not answer: ' . swoole_strerror($code) : "the server answers with status {$status}", $status < 0 ? $code : $status);
        }
        $reply = @unserialize($body);
        if (!is_array($reply) || !isset($reply['code'])) {
            throw new Exception('the server sends a malformed reply');
        }
        if ($reply['code'] !== 0) {
            $exception = $reply['exception'] ?? ['message' => $reply['msg'] ?? $reply['message'] ?? 'the call failed', 'code' => $reply['code']];
            throw new Exception($exception['message'], (int) $exception['code']);
        }
        return $reply;
    }

    /** Whether the server answers. */
    public function ping(): bool
    {
        try {
            $this->execute('/ping', []);
            return true;
        } catch (Exception) {
            return false;
        }
    }

    private function connect(): \Swoole\Coroutine\Http\Client
    {
        $http = new \Swoole\Coroutine\Http\Client($this->host, $this->port);
        $http->set(array_diff_key($this->options, ['api_key' => 1]) + ['keep_alive' => true, 'timeout' => -1]);
        return $http;
    }
}

/** A request to the server. */
class Context
{
    public string $clientId;

    public int $coroutineId;

    public \Swoole\Http\Request $request;

    public \Swoole\Http\Response $response;

    public function __construct(\Swoole\Http\Request $request, \Swoole\Http\Response $response)
    {
        $this->request = $request;
        $this->response = $response;
        $this->clientId = $request->header['client-id'] ?? throw new Exception('the client id is missing');
        $this->coroutineId = (int) ($request->header['coroutine-id'] ?? 0);
    }

    public function end(array $data): void
    {
        $this->response->end(serialize($data));
    }

    /** The name of what is asked for: the path without its slash. */
    public function getHandler(): string
    {
        return ltrim($this->request->server['request_uri'], '/');
    }

    public function getParam(string $name): string
    {
        return (string) ($this->request->post[$name] ?? throw new Exception("the parameter {$name} is missing"));
    }

    public function getDataParam(string $name): mixed
    {
        return unserialize($this->getParam($name));
    }

    public function getCoroutineId(): int
    {
        return $this->coroutineId;
    }

    public function getClientId(): string
    {
        return $this->clientId;
    }
}

/**
 * The server. It runs whatever its clients ask for, so it listens on the loopback interface or on a Unix socket, or it has an
 * `api_key`. With several workers, the objects of one coroutine are in one worker.
 */
class Server
{
    public const DEFAULT_PORT = 9567;

    /** Seconds after which the objects of a client that asks for nothing are freed. */
    private const CLIENT_LIFETIME = 3600;

    private \Swoole\Http\Server $server;

    private string $apiKey;

    /** The objects of each client by their numbers, and when it last asked. */
    private array $clients = [];

    private int $lastObject = 0;

    /** Options: `api_key`, `bootstrap` (a file that workers load); the others are those of a server. */
    public function __construct(private string $host = '127.0.0.1', int $port = self::DEFAULT_PORT, private array $options = [])
    {
        $this->apiKey = (string) ($options['api_key'] ?? '');
        $is_unix = str_starts_with($host, '/');
        if (!$is_unix && $this->apiKey === '' && !in_array($host, ['127.0.0.1', '::1', 'localhost'], true)) {
            throw new Exception("{$host} can be reached from other machines: the option api_key is needed");
        }
        $type = $is_unix ? SWOOLE_SOCK_UNIX_STREAM : (str_contains($host, ':') ? SWOOLE_SOCK_TCP6 : SWOOLE_SOCK_TCP);
        $this->server = new \Swoole\Http\Server($host, $is_unix ? 0 : $port, SWOOLE_PROCESS, $type);
        $this->server->set(array_diff_key($options, ['api_key' => 1, 'bootstrap' => 1]) + [
            'worker_num' => 1, 'http_compression' => false, 'package_max_length' => 64 << 20,
            'dispatch_func' => function ($server, int $connection, int $type, string $data = ''): int {
                $count = $server->setting['worker_num'];
                if (preg_match('/^client-id: *(\S+)\r?$.*?^coroutine-id: *(\d+)/mis', $data, $found)) {
                    return crc32("{$found[1]} {$found[2]}") % $count;
                }
                return $connection % $count;
            },
        ]);
        $this->server->on('start', [$this, 'onStart']);
        $this->server->on('workerStart', function () use ($options): void {
            if (isset($options['bootstrap'])) {
                require_once $options['bootstrap'];
            }
            \Swoole\Timer::tick(60000, function (): void {
                $this->clients = array_filter($this->clients, fn (array $client): bool => $client['time'] > time() - self::CLIENT_LIFETIME);
            });
        });
        $this->server->on('workerExit', fn () => \Swoole\Timer::clearAll());
        $this->server->on('request', [$this, 'onRequest']);
    }

    public function start(): bool
    {
        return $this->server->start();
    }

    public function onStart(): void
    {
        $address = str_starts_with($this->host, '/') ? $this->host : "{$this->server->host}:{$this->server->port}";
        echo "remote object server on {$address}\n";
    }

    public function onRequest(\Swoole\Http\Request $request, \Swoole\Http\Response $response): void
    {
        if ($this->apiKey !== '' && !hash_equals($this->apiKey, $request->header['x-api-key'] ?? '')) {
            $response->status(403);
            $response->end();
            return;
        }
        try {
            $context = new Context($request, $response);
            $this->clients[$context->getClientId()]['time'] = time();
            $reply = $this->perform($context) + ['code' => 0];
            $body = serialize($reply);
        } catch (\Throwable $failure) {
            $exception = ['class' => get_class($failure), 'message' => $failure->getMessage(), 'code' => $failure->getCode()];
            $body = serialize(['code' => 1, 'msg' => $failure->getMessage(), 'exception' => $exception]);
        }
        $response->end($body);
    }

    private function perform(Context $context): array
    {
        $handler = $context->getHandler();
        switch ($handler) {
            case 'ping':
                return [];
            case 'new':
                $class = $context->getParam('class');
                if (!class_exists($class)) {
                    throw new Exception("there is no class {$class}");
                }
                return ['object' => $this->keep($context, new $class(...$this->arguments($context)))];
            case 'destroy':
                unset($this->clients[$context->getClientId()]['objects'][(int) $context->getParam('object')]);
                return [];
            case 'call_function':
                $function = $context->getParam('function');
                if (!is_callable($function)) {
                    throw new Exception("there is no function {$function}");
                }
                return ['result' => $this->result($context, $function(...$this->arguments($context)))];
        }
        $object = $this->object($context, (int) $context->getParam('object'));
        switch ($handler) {
            case 'call_method':
                $method = $context->getParam('method');
                if (!is_callable([$object, $method])) {
                    throw new Exception('there is no method ' . get_debug_type($object) . "::{$method}()");
                }
                return ['result' => $this->result($context, $object->{$method}(...$this->arguments($context)))];
            case 'read_property':
                return ['property' => $this->result($context, $object->{$context->getParam('property')} ?? null)];
            case 'write_property':
                $object->{$context->getParam('property')} = $this->local($context, $context->getDataParam('value'));
                return [];
            case 'to_string':
                return ['value' => (string) $object];
            case 'offset_get':
                return ['value' => $this->result($context, $object[$context->getParam('offset')] ?? null)];
            case 'offset_set':
                $offset = $context->getParam('offset');
                $value = $this->local($context, $context->getDataParam('value'));
                if ($offset === '') {
                    $object[] = $value;
                } else {
                    $object[$offset] = $value;
                }
                return [];
            case 'offset_exists':
                return ['exists' => isset($object[$context->getParam('offset')])];
            case 'offset_unset':
                unset($object[$context->getParam('offset')]);
                return [];
        }
        throw new Exception("there is no handler {$handler}");
    }

    /** The object with a number: one of this client. */
    private function object(Context $context, int $number): mixed
    {
        return $this->clients[$context->getClientId()]['objects'][$number] ?? throw new Exception("there is no object {$number}");
    }

    private function keep(Context $context, mixed $object): int
    {
        $this->clients[$context->getClientId()]['objects'][++$this->lastObject] = $object;
        return $this->lastObject;
    }

    /** Objects and resources stay here; the client gets a number. */
    private function result(Context $context, mixed $value): mixed
    {
        if (is_object($value) || is_resource($value)) {
            return RemoteObject::marshal($this->keep($context, $value), $context->getCoroutineId(), $context->getClientId());
        }
        return is_array($value) ? array_map(fn ($one) => $this->result($context, $one), $value) : $value;
    }

    private function arguments(Context $context): array
    {
        return $this->local($context, $context->getDataParam('args'));
    }

    /** A value in which remote objects are replaced by the objects that they stand for. */
    private function local(Context $context, mixed $value): mixed
    {
        if ($value instanceof RemoteObject) {
            return $this->object($context, $value->getObjectId());
        }
        return is_array($value) ? array_map(fn ($one) => $this->local($context, $one), $value) : $value;
    }
}

namespace Swoole;

use Swoole\RemoteObject\Client;

class RemoteObject implements \ArrayAccess, \Stringable, \Iterator, \Countable
{
    private int $objectId = 0;

    /** Whether the server frees the object with this one. */
    private bool $isOwner = false;

    public function __construct(private int $coroutineId, private string $clientId)
    {
    }

    public function __destruct()
    {
        if (!$this->isOwner || $this->objectId === 0 || Coroutine::getCid() < 0) {
            return;
        }
        try {
            Client::getInstance($this->clientId)?->execute('/destroy', ['coroutine_id' => $this->coroutineId, 'object' => $this->objectId]);
        } catch (RemoteObject\Exception) {
            // The server frees it with its client.
        }
    }

    public function __call(string $method, array $args)
    {
        return $this->ask('/call_method', ['method' => $method, 'args' => serialize($args)])['result'];
    }

    public function __get(string $property)
    {
        return $this->ask('/read_property', ['property' => $property])['property'];
    }

    public function __set(string $property, mixed $value)
    {
        $this->ask('/write_property', ['property' => $property, 'value' => serialize($value)]);
    }

    public function __unserialize(array $data): void
    {
        [$this->objectId, $this->coroutineId, $this->clientId] = [$data['objectId'], $data['coroutineId'], $data['clientId']];
        // In the process of the client it is the only one with this number.
        $this->isOwner = Client::getInstance($this->clientId) !== null;
    }

    public function __serialize(): array
    {
        return ['objectId' => $this->objectId, 'coroutineId' => $this->coroutineId, 'clientId' => $this->clientId];
    }

    public function __toString(): string
    {
        return $this->ask('/to_string', [])['value'];
    }

    public function __invoke(mixed ...$args)
    {
        return $this->__call('__invoke', $args);
    }

    public static function call(Client $client, string $fn, array $args)
    {
        return $client->execute('/call_function', ['function' => $fn, 'args' => serialize($args)])['result'];
    }

    public function getObjectId(): int
    {
        return $this->objectId;
    }

    public static function create(Client $client, string $class, array $args): RemoteObject
    {
        $object = new self(max(0, Coroutine::getCid()), $client->getId());
        $object->objectId = $client->execute('/new', ['class' => $class, 'args' => serialize($args)])['object'];
        $object->isOwner = true;
        return $object;
    }

    /** An object that stands for another, for the reply to a client. */
    public static function marshal(int $objectId, int $ownerCoroutineId, string $clientId): RemoteObject
    {
        $object = new self($ownerCoroutineId, $clientId);
        $object->objectId = $objectId;
        return $object;
    }

    public function offsetGet(mixed $offset): mixed
    {
        return $this->ask('/offset_get', ['offset' => (string) $offset])['value'];
    }

    public function offsetSet(mixed $offset, mixed $value): void
    {
        $this->ask('/offset_set', ['offset' => (string) $offset, 'value' => serialize($value)]);
    }

    public function offsetUnset(mixed $offset): void
    {
        $this->ask('/offset_unset', ['offset' => (string) $offset]);
    }

    public function offsetExists(mixed $offset): bool
    {
        return $this->ask('/offset_exists', ['offset' => (string) $offset])['exists'];
    }

    public function current(): mixed
    {
        return $this->__call('current', []);
    }

    public function next(): void
    {
        $this->__call('next', []);
    }

    public function key(): mixed
    {
        return $this->__call('key', []);
    }

    public function valid(): bool
    {
        return $this->__call('valid', []);
    }

    public function rewind(): void
    {
        $this->__call('rewind', []);
    }

    public function count(): int
    {
        return $this->__call('count', []);
    }

    private function ask(string $path, array $fields): array
    {
        $client = Client::getInstance($this->clientId) ?? throw new RemoteObject\Exception('the client of this object is gone');
        return $client->execute($path, ['coroutine_id' => $this->coroutineId, 'object' => $this->objectId] + $fields);
    }
}
