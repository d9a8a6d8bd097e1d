<?php

/**
 * `Swoole\ConnectionPool`: lends connections to coroutines.
 *
 * Invariant: `$num` counts the connections that exist, whether lent, idle or being made; it never exceeds `$size`.
 */

declare(strict_types=1);

namespace Swoole;

use Swoole\Coroutine\Channel;

class ConnectionPool
{
    public const DEFAULT_SIZE = 64;

    /** The idle connections; `null`: the pool is closed. */
    protected ?Channel $pool;

    /** @var callable */
    protected $constructor;

    protected int $num = 0;

    protected int $size;

    protected ?string $proxy;

    /** Options beyond Swoole's, see setOptions(). */
    private array $options = [];

    /** When each connection was made and last returned, in seconds. */
    private ?\WeakMap $times = null;

    private array $counters = ['made' => 0, 'lent' => 0, 'expired' => 0, 'unhealthy' => 0, 'timeouts' => 0, 'failures' => 0];

    public function __construct(callable $constructor, int $size = self::DEFAULT_SIZE, ?string $proxy = null)
    {
        $this->pool = new Channel($this->size = $size);
        $this->constructor = $constructor;
        $this->proxy = $proxy;
    }

    /** Makes connections until the pool has its size. */
    public function fill(): void
    {
        while ($this->pool !== null && $this->size > $this->num) {
            $this->make();
        }
    }

    /** A connection; `false` if none became free within `$timeout` seconds. */
    public function get(float $timeout = -1.0)
    {
        if ($this->pool === null) {
            throw new \RuntimeException('the pool is closed');
        }
        $limit = $timeout < 0 ? (float) ($this->options['wait_timeout'] ?? -1.0) : $timeout;
        $until = $limit < 0 ? null : hrtime(true) / 1e9 + $limit;
        do {
            if ($this->pool->isEmpty() && $this->num < $this->size) {
                $this->make();
            }
            $left = $until === null ? -1.0 : max(0.001, $until - hrtime(true) / 1e9);
            $connection = $this->pool->pop($left);
            if ($connection === false) {
                $this->counters['timeouts']++;
                if ($timeout < 0 && $limit >= 0 && $this->pool !== null) {
                    throw new \RuntimeException("no connection became free within {$limit} s: all {$this->num} are in use");
                }
                return false;
            }
        } while (!$this->isUsable($connection));
        $this->counters['lent']++;
        $this->keepIdle();
        return $connection;
    }

    /** Returns a connection. `null` stands for one that is lost: the pool makes another in its place. */
    public function put(mixed $connection): void
    {
        if ($this->pool === null) {
            return;
        }
        if ($connection === null) {
            $this->num--;
            $this->make();
            return;
        }
        if (is_object($connection) && isset($this->times[$connection])) {
            $this->times[$connection] = [$this->times[$connection][0], hrtime(true) / 1e9];
        }
        $this->pool->push($connection);
    }

    public function close(): void
    {
        if ($this->pool === null) {
            throw new \RuntimeException('Pool has been closed');
        }
        $this->pool->close();
        $this->pool = null;
        $this->num = 0;
    }

    /**
     * Sets options: `min_idle`, the number of idle connections that get() leaves behind; `max_lifetime` and `max_idle_time`,
     * in seconds, after which a connection is replaced before it is lent; `health_check`, a callable that gets the connection
     * and says whether it is usable; `wait_timeout`, the longest wait of get() without a timeout, in seconds, after which it
     * throws.
     */
    public function setOptions(array $options): static
    {
        $unknown = array_diff(array_keys($options), ['min_idle', 'max_lifetime', 'max_idle_time', 'health_check', 'wait_timeout']);
        if ($unknown !== []) {
            throw new \InvalidArgumentException('unknown options: ' . implode(', ', $unknown));
        }
        if (isset($options['health_check']) && !is_callable($options['health_check'])) {
            throw new \InvalidArgumentException('health_check is not callable');
        }
        $this->options = $options + $this->options;
        return $this;
    }

    /** The numbers of connections now, and of events since the pool was made. */
    public function getStats(): array
    {
        $idle = $this->pool?->length() ?? 0;
        $waiting = $this->pool?->stats()['consumer_num'] ?? 0;
        return ['size' => $this->size, 'num' => $this->num, 'idle' => $idle, 'waiting' => $waiting] + $this->counters;
    }

    protected function make(): void
    {
        $this->num++;
        try {
            $connection = $this->proxy === null ? ($this->constructor)() : new $this->proxy($this->constructor);
        } catch (\Throwable $failure) {
            $this->num--;
            $this->counters['failures']++;
            throw $failure;
        }
        $this->counters['made']++;
        if (is_object($connection)) {
            $now = hrtime(true) / 1e9;
            $this->times ??= new \WeakMap();
            $this->times[$connection] = [$now, $now];
        }
        $this->put($connection);
    }

    /** Whether an idle connection may be lent. One that may not is dropped. */
    private function isUsable(mixed $connection): bool
    {
        if ($this->options === []) {
            return true;
        }
        $reason = null;
        if (is_object($connection) && isset($this->times[$connection])) {
            [$made, $returned] = $this->times[$connection];
            $now = hrtime(true) / 1e9;
            if ($now - $made > ($this->options['max_lifetime'] ?? INF) || $now - $returned > ($this->options['max_idle_time'] ?? INF)) {
                $reason = 'expired';
            }
        }
        if ($reason === null && isset($this->options['health_check'])) {
            try {
                $reason = ($this->options['health_check'])($connection) ? null : 'unhealthy';
            } catch (\Throwable) {
                $reason = 'unhealthy';
            }
        }
        if ($reason === null) {
            return true;
        }
        $this->num--;
        $this->counters[$reason]++;
        return false;
    }

    /** Makes a connection in another coroutine if too few are idle. */
    private function keepIdle(): void
    {
        if ($this->pool === null || $this->pool->length() >= ($this->options['min_idle'] ?? 0) || $this->num >= $this->size) {
            return;
        }
        Coroutine::create(function (): void {
            try {
                while ($this->pool !== null && $this->pool->length() < $this->options['min_idle'] && $this->num < $this->size) {
                    $this->make();
                }
            } catch (\Throwable) {
                // Counted; the next get() that needs a connection throws.
            }
        });
    }
}
