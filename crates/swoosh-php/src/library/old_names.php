<?php

/** Small classes of Swoole 1 to 4. */

declare(strict_types=1);

namespace Swoole;

/** A file as a stream that all processes share: the kernel's page cache is the shared memory. */
class Mmap
{
    /**
     * @param int $size bytes; the file is extended to hold them. -1: its own size
     * @return false|resource a stream, positioned at the offset
     */
    public static function open(string $filename, int $size = -1, int $offset = 0)
    {
        $stream = @fopen($filename, $size >= 0 ? 'c+' : 'r+');
        if ($stream === false || $offset < 0) {
            trigger_error("{$filename} cannot be opened for reading and writing", E_USER_WARNING);
            return false;
        }
        if ($size >= 0 && fstat($stream)['size'] < $offset + $size) {
            ftruncate($stream, $offset + $size);
        }
        // Other processes see each write at once.
        stream_set_write_buffer($stream, 0);
        stream_set_read_buffer($stream, 0);
        fseek($stream, $offset);
        return $stream;
    }
}

class Serialize
{
    public static function pack(mixed $data, int $flag = 0): string
    {
        return serialize($data);
    }

    public static function unpack(string $string, mixed $flags = null): mixed
    {
        return unserialize($string);
    }
}

namespace Swoole\Coroutine;

/** A pool whose object belongs to a coroutine from its first get() to its end. */
abstract class ObjectPool
{
    protected Channel $object_pool;

    protected int $made = 0;

    public function __construct(protected string $type, protected int $pool_size = 10, protected int $max_concurrency = 10)
    {
        if ($type === '') {
            throw new \InvalidArgumentException('the type of a pool is a name');
        }
        $this->max_concurrency = max($pool_size, $max_concurrency);
        $this->object_pool = new Channel($this->max_concurrency);
    }

    /** The object of this coroutine. Waits while `max_concurrency` are in use. */
    public function get()
    {
        $context = \Swoole\Coroutine::getContext();
        if ($context === null) {
            throw new \BadFunctionCallException('a pool is used in coroutines');
        }
        $key = self::class . spl_object_id($this);
        if (!isset($context[$key])) {
            $context[$key] = $this->take();
            \Swoole\Coroutine::defer(function (): void {
                $this->free();
            });
        }
        return $context[$key];
    }

    /** Returns the object of this coroutine before its end. */
    public function free(): void
    {
        $context = \Swoole\Coroutine::getContext();
        $key = self::class . spl_object_id($this);
        if ($context === null || !isset($context[$key])) {
            return;
        }
        $object = $context[$key];
        unset($context[$key]);
        if ($this->object_pool->length() < $this->pool_size || $this->object_pool->stats()['consumer_num'] > 0) {
            $this->object_pool->push($object);
        } else {
            $this->made--;
        }
    }

    abstract public function create();

    private function take()
    {
        if ($this->object_pool->isEmpty() && $this->made < $this->max_concurrency) {
            $this->made++;
            try {
                return $this->create();
            } catch (\Throwable $failure) {
                $this->made--;
                throw $failure;
            }
        }
        return $this->object_pool->pop();
    }
}
