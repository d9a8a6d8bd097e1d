<?php

declare(strict_types=1);

namespace Swoole\Curl;

class Exception extends \Swoole\Exception
{
}

/** A curl handle as an object, for the functions `swoole_curl_*`. It waits in coroutines as PHP's own handles do. */
final class Handler implements \Stringable
{
    private ?\CurlHandle $handle;

    private string $url = '';

    private string|bool|null $content = null;

    private bool $returns = false;

    public function __construct(string $url = '')
    {
        if (!extension_loaded('curl')) {
            throw new Exception('the extension curl is not loaded');
        }
        $this->url = $url;
        $this->handle = curl_init($url === '' ? null : $url);
    }

    public function __toString(): string
    {
        return 'Object(' . spl_object_id($this) . ') of type (curl)';
    }

    /** Whether it can be used: false, with a warning, after close(). */
    public function isAvailable(): bool
    {
        if ($this->handle === null) {
            trigger_error('supplied resource is not a valid cURL handle resource', E_USER_WARNING);
            return false;
        }
        return true;
    }

    public function setOpt(int $opt, mixed $value): bool
    {
        if (!$this->isAvailable()) {
            return false;
        }
        if ($opt === CURLOPT_RETURNTRANSFER) {
            $this->returns = (bool) $value;
        }
        return curl_setopt($this->handle, $opt, $value);
    }

    public function exec(): string|bool
    {
        if (!$this->isAvailable()) {
            return false;
        }
        $result = curl_exec($this->handle);
        $this->content = $this->returns ? $result : null;
        return $result;
    }

    public function getInfo(): array|false
    {
        return $this->isAvailable() ? curl_getinfo($this->handle) : false;
    }

    public function errno(): int
    {
        return $this->handle === null ? 0 : curl_errno($this->handle);
    }

    public function error(): string
    {
        return $this->handle === null ? '' : curl_error($this->handle);
    }

    public function reset(): bool
    {
        if (!$this->isAvailable()) {
            return false;
        }
        curl_reset($this->handle);
        $this->returns = false;
        $this->content = null;
        return true;
    }

    public function getContent(): ?string
    {
        return is_string($this->content) ? $this->content : null;
    }

    public function close(): void
    {
        if ($this->handle !== null) {
            curl_close($this->handle);
            $this->handle = null;
        }
    }
}
