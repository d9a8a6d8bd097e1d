<?php

declare(strict_types=1);

namespace Swoole\Coroutine;

use Swoole\Coroutine;
use Swoole\Runtime;

/** `Swoole\Coroutine\Redis` of Swoole 4, on phpredis, whose sockets wait in coroutines. Its methods are those of `Redis`. */
class Redis
{
    // Those of `errType`.
    private const ERR_IO = 1;
    private const ERR_OTHER = 2;
    private const ERR_CLOSED = 6;

    public string $host = '';

    public int $port = 0;

    public array $setting = [];

    public int $sock = -1;

    public bool $connected = false;

    public int $errType = 0;

    public int $errCode = 0;

    public string $errMsg = '';

    private ?\Redis $redis = null;

    private bool $defers = false;

    /** The result of a deferred call. */
    private ?Channel $deferred = null;

    /** Options: connect_timeout, timeout, serialize, reconnect, password, database. */
    public function __construct(array $options = [])
    {
        $this->setOptions($options);
    }

    public function __call(string $name, array $arguments)
    {
        return $this->run(fn () => $this->redis->{$name}(...$arguments));
    }

    public function connect(string $host, int $port = 6379, bool $serialize = false): bool
    {
        [$this->host, $this->port] = [$host, $port];
        if ($serialize) {
            $this->setting['serialize'] = true;
        }
        Runtime::setHookFlags(Runtime::getHookFlags() | SWOOLE_HOOK_TCP | SWOOLE_HOOK_UNIX);
        $this->close();
        $redis = new \Redis();
        $host = str_starts_with($host, 'unix:') ? '/' . ltrim(substr($host, 5), '/') : $host;
        try {
            $timeout = (float) ($this->setting['connect_timeout'] ?? $this->setting['timeout'] ?? 1);
            @$redis->connect($host, str_starts_with($host, '/') ? 0 : $port, max(0, $timeout));
            if (($this->setting['timeout'] ?? -1) > 0) {
                $redis->setOption(\Redis::OPT_READ_TIMEOUT, (float) $this->setting['timeout']);
            }
            if (!empty($this->setting['serialize'])) {
                $redis->setOption(\Redis::OPT_SERIALIZER, \Redis::SERIALIZER_PHP);
            }
            if (isset($this->setting['password'])) {
                $redis->auth($this->setting['password']);
            }
            if (!empty($this->setting['database'])) {
                $redis->select($this->setting['database']);
            }
        } catch (\RedisException $failure) {
            $this->fail($failure);
            return false;
        }
        $this->redis = $redis;
        $this->connected = true;
        [$this->errType, $this->errCode, $this->errMsg] = [0, 0, ''];
        return true;
    }

    /** Sends a command with its arguments. */
    public function request(array $params): mixed
    {
        return $this->run(fn () => $this->redis->rawCommand(...array_map(strval(...), $params)));
    }

    public function setOptions(array $options): bool
    {
        $this->setting = $options + $this->setting;
        return true;
    }

    public function getOptions(): array
    {
        return $this->setting;
    }

    public function getDBNum(): int|false
    {
        return $this->redis?->getDbNum() ?? false;
    }

    public function getAuth(): mixed
    {
        return $this->redis?->getAuth() ?? false;
    }

    public function getDefer(): bool
    {
        return $this->defers;
    }

    /** The next commands return at once; recv() has their results. */
    public function setDefer(bool $defer): bool
    {
        $this->defers = $defer;
        return true;
    }

    /** The result of the deferred command; of a subscriber, the next message. */
    public function recv(float $timeout = -1): mixed
    {
        if ($this->deferred === null) {
            return false;
        }
        $result = $this->deferred->pop($timeout > 0 ? $timeout : -1);
        $this->deferred = null;
        return $result === false ? false : $result[0];
    }

    /** Subscribes in a coroutine of its own, which calls the callback for each message. */
    public function subscribe(array $channels, ?callable $callback = null): bool
    {
        if ($this->redis === null || $callback === null) {
            return false;
        }
        Coroutine::create(fn () => $this->run(fn () => $this->redis->subscribe($channels, fn ($redis, ...$message) => $callback($this, ...$message)), false));
        return true;
    }

    public function close(): bool
    {
        $was_connected = $this->connected;
        try {
            $this->redis?->close();
        } catch (\RedisException) {
            // It is gone.
        }
        $this->redis = null;
        $this->connected = false;
        return $was_connected;
    }

    private function run(\Closure $call, ?bool $defers = null): mixed
    {
        if ($this->redis === null && !($this->host !== '' && ($this->setting['reconnect'] ?? 1) && $this->connect($this->host, $this->port))) {
            [$this->errType, $this->errCode, $this->errMsg] = [self::ERR_CLOSED, 107, 'the client is not connected'];
            return false;
        }
        $attempt = function () use ($call): mixed {
            try {
                [$this->errType, $this->errCode, $this->errMsg] = [0, 0, ''];
                $result = $call();
                $error = $this->redis?->getLastError();
                if ($error !== null) {
                    [$this->errType, $this->errMsg] = [self::ERR_OTHER, $error];
                    $this->redis->clearLastError();
                }
                return $result;
            } catch (\RedisException $failure) {
                $this->fail($failure);
                return false;
            }
        };
        if (!($defers ?? $this->defers)) {
            return $attempt();
        }
        $this->deferred = $channel = new Channel(1);
        Coroutine::create(fn () => $channel->push([$attempt()]));
        return true;
    }

    private function fail(\RedisException $failure): void
    {
        [$this->errType, $this->errCode, $this->errMsg] = [self::ERR_IO, (int) $failure->getCode(), $failure->getMessage()];
        $this->redis = null;
        $this->connected = false;
    }
}
