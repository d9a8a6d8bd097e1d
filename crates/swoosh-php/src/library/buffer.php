<?php

declare(strict_types=1);

namespace Swoole;

/** A buffer of bytes, a class of Swoole 1 to 4. */
class Buffer implements \Stringable
{
    public int $capacity;

    public int $length = 0;

    private string $bytes = '';

    public function __construct(int $size = 128)
    {
        if ($size < 1) {
            throw new Exception('the size of a buffer is positive');
        }
        $this->capacity = $size;
    }

    public function __toString(): string
    {
        return $this->bytes;
    }

    /** Appends bytes; returns the length. */
    public function append(string $data): int
    {
        $this->bytes .= $data;
        return $this->measure();
    }

    /** Overwrites bytes from an offset on; a negative one counts from the end. */
    public function write(int $offset, string $data): int|false
    {
        $offset = $offset < 0 ? $this->length + $offset : $offset;
        if ($offset < 0 || $offset > $this->length) {
            trigger_error("the offset {$offset} is outside of the buffer", E_USER_WARNING);
            return false;
        }
        $this->bytes = substr_replace($this->bytes, $data, $offset, strlen($data));
        return $this->measure();
    }

    public function read(int $offset, int $length): string|false
    {
        $offset = $offset < 0 ? $this->length + $offset : $offset;
        if ($offset < 0 || $length < 0 || $offset + $length > $this->length) {
            trigger_error('offset and length are outside of the buffer', E_USER_WARNING);
            return false;
        }
        return substr($this->bytes, $offset, $length);
    }

    /** A part of the bytes; with `$remove`, which needs offset 0, they leave the buffer. */
    public function substr(int $offset, int $length = -1, bool $remove = false): string|false
    {
        if ($remove && $offset !== 0) {
            trigger_error('only the front of a buffer can be removed', E_USER_WARNING);
            return false;
        }
        $part = $this->read($offset, $length < 0 ? $this->length - $offset : $length);
        if ($part !== false && $remove) {
            $this->bytes = substr($this->bytes, strlen($part));
            $this->measure();
        }
        return $part;
    }

    public function expand(int $size): int|false
    {
        if ($size <= $this->capacity) {
            trigger_error("the new size must be larger than {$this->capacity}", E_USER_WARNING);
            return false;
        }
        return $this->capacity = $size;
    }

    public function clear(): void
    {
        $this->bytes = '';
        $this->length = 0;
    }

    /** Frees memory that removed bytes have left. */
    public function recycle(): void
    {
        $this->capacity = max(1, $this->length);
    }

    private function measure(): int
    {
        $this->length = strlen($this->bytes);
        while ($this->capacity < $this->length) {
            $this->capacity *= 2;
        }
        return $this->length;
    }
}
