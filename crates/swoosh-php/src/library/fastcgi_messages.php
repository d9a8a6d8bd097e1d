<?php

/** Requests and responses of FastCGI. */

declare(strict_types=1);

namespace Swoole\FastCGI;

use Swoole\FastCGI;
use Swoole\Http\Status;

class Message
{
    protected array $params = [];

    protected string $body = '';

    protected string $error = '';

    public function getParam(string $name): ?string
    {
        return isset($this->params[$name]) ? (string) $this->params[$name] : null;
    }

    public function withParam(string $name, string $value): static
    {
        $this->params[$name] = $value;
        return $this;
    }

    public function withoutParam(string $name): static
    {
        unset($this->params[$name]);
        return $this;
    }

    public function getParams(): array
    {
        return $this->params;
    }

    public function withParams(array $params): static
    {
        $this->params = $params;
        return $this;
    }

    public function withAddedParams(array $params): static
    {
        $this->params = $params + $this->params;
        return $this;
    }

    public function getBody(): string
    {
        return $this->body;
    }

    public function withBody(\Stringable|string $body): self
    {
        $this->body = (string) $body;
        return $this;
    }

    public function getError(): string
    {
        return $this->error;
    }

    public function withError(string $error): static
    {
        $this->error = $error;
        return $this;
    }
}

class Request extends Message implements \Stringable
{
    protected bool $keepConn = false;

    /** The request's records; parameters and body are split if they are longer than a record. */
    public function __toString(): string
    {
        $begin = new Record\BeginRequest(FastCGI::RESPONDER, $this->keepConn ? FastCGI::KEEP_CONN : 0);
        $message = (string) $begin . self::stream(new Record\Params([]), self::packed($this->params));
        $message .= $this->params === [] ? new Record\Params([]) : '';
        return $this->body === '' ? $message : $message . self::stream(new Record\Stdin(''), $this->body);
    }

    public function getKeepConn(): bool
    {
        return $this->keepConn;
    }

    public function withKeepConn(bool $keepConn): self
    {
        $this->keepConn = $keepConn;
        return $this;
    }

    /** A stream of records with these contents, ended by an empty one. */
    private static function stream(Record $record, string $contents): string
    {
        $records = '';
        foreach ($contents === '' ? [] : str_split($contents, FastCGI::MAX_CONTENT_LENGTH) as $part) {
            $records .= self::record($record->getType(), $part);
        }
        return $records . self::record($record->getType(), '');
    }

    private static function record(int $type, string $content): string
    {
        $padding = (8 - strlen($content) % 8) % 8;
        $head = pack('CCnnCC', FastCGI::VERSION_1, $type, FastCGI::DEFAULT_REQUEST_ID, strlen($content), $padding, 0);
        return $head . $content . str_repeat("\0", $padding);
    }

    private static function packed(array $params): string
    {
        $length = fn (string $text): string => strlen($text) < 128 ? chr(strlen($text)) : pack('N', strlen($text) | 0x80000000);
        $packed = '';
        foreach ($params as $name => $value) {
            [$name, $value] = [(string) $name, (string) $value];
            $packed .= $length($name) . $length($value) . $name . $value;
        }
        return $packed;
    }
}

class Response extends Message
{
    public function __construct(array $records)
    {
        if (!static::verify($records)) {
            throw new \InvalidArgumentException('the records are not those of a complete response');
        }
        foreach ($records as $record) {
            if ($record instanceof Record\Stdout) {
                $this->body .= $record->getContentData();
            } elseif ($record instanceof Record\Stderr) {
                $this->error .= $record->getContentData();
            }
        }
    }

    /** Whether the last record ends the request. */
    protected static function verify(array $records): bool
    {
        return end($records) instanceof Record\EndRequest;
    }
}

class HttpResponse extends Response
{
    /** @var int */
    protected $statusCode;

    /** @var string */
    protected $reasonPhrase;

    protected array $headers = [];

    /** The names of the headers by their names in lower case. */
    protected array $headersMap = [];

    protected array $setCookieHeaderLines = [];

    public function __construct(array $records = [])
    {
        parent::__construct($records);
        $parts = explode("\r\n\r\n", $this->body, 2);
        if (count($parts) < 2) {
            $this->statusCode = Status::BAD_GATEWAY;
            $this->reasonPhrase = 'Invalid FastCGI Response';
            $this->error = $this->body . $this->error;
            return;
        }
        [$head, $this->body] = $parts;
        foreach (explode("\r\n", $head) as $line) {
            if (!str_contains($line, ':')) {
                continue;
            }
            [$name, $value] = explode(':', $line, 2);
            [$name, $value] = [trim($name), trim($value)];
            switch (strtolower($name)) {
                case 'status':
                    [$code, $phrase] = explode(' ', $value, 2) + [1 => ''];
                    $this->statusCode = (int) $code;
                    $this->reasonPhrase = $phrase !== '' ? $phrase : Status::getReasonPhrase($this->statusCode);
                    break;
                case 'set-cookie':
                    $this->withSetCookieHeaderLine($value);
                    break;
                default:
                    $this->withHeader($name, $value);
            }
        }
        $this->statusCode ??= Status::OK;
        $this->reasonPhrase ??= Status::getReasonPhrase($this->statusCode);
    }

    public function getStatusCode(): int
    {
        return $this->statusCode;
    }

    public function withStatusCode(int $statusCode): self
    {
        $this->statusCode = $statusCode;
        return $this;
    }

    public function getReasonPhrase(): string
    {
        return $this->reasonPhrase;
    }

    public function withReasonPhrase(string $reasonPhrase): self
    {
        $this->reasonPhrase = $reasonPhrase;
        return $this;
    }

    public function getHeader(string $name): ?string
    {
        $known = $this->headersMap[strtolower($name)] ?? null;
        return $known === null ? null : $this->headers[$known];
    }

    public function getHeaders(): array
    {
        return $this->headers;
    }

    public function withHeader(string $name, string $value): self
    {
        $before = $this->headersMap[strtolower($name)] ?? $name;
        if ($before !== $name) {
            unset($this->headers[$before]);
        }
        $this->headers[$name] = $value;
        $this->headersMap[strtolower($name)] = $name;
        return $this;
    }

    public function withHeaders(array $headers): self
    {
        foreach ($headers as $name => $value) {
            $this->withHeader((string) $name, (string) $value);
        }
        return $this;
    }

    public function getSetCookieHeaderLines(): array
    {
        return $this->setCookieHeaderLines;
    }

    public function withSetCookieHeaderLine(string $value): self
    {
        $this->setCookieHeaderLines[] = $value;
        return $this;
    }
}
