<?php

declare(strict_types=1);

namespace Swoole\Coroutine\FastCGI\Client;

class Exception extends \Swoole\Exception
{
}

namespace Swoole\Coroutine\FastCGI;

use Swoole\Coroutine\FastCGI\Client\Exception;
use Swoole\Coroutine\Socket;
use Swoole\FastCGI;
use Swoole\FastCGI\FrameParser;
use Swoole\FastCGI\HttpRequest;
use Swoole\FastCGI\HttpResponse;
use Swoole\FastCGI\Record;
use Swoole\FastCGI\Record\EndRequest;
use Swoole\FastCGI\Request;
use Swoole\FastCGI\Response;

/** A client of a FastCGI server such as php-fpm. One request at a time. */
class Client
{
    // Those of Linux; the constants of the extension sockets may be missing.
    private const UNIX = 1;
    private const INET = 2;
    private const INET6 = 10;
    private const STREAM = 1;
    private const ECONNRESET = 104;
    private const ETIMEDOUT = 110;

    protected int $af;

    protected string $host;

    protected int $port;

    protected ?Socket $socket = null;

    protected bool $ssl;

    /** `$host`: an address, a name, or `unix:/` and a path. */
    public function __construct(string $host, int $port = 0, bool $ssl = false)
    {
        if (stripos($host, 'unix:/') === 0) {
            [$this->af, $this->host, $this->port] = [self::UNIX, '/' . ltrim(substr($host, strlen('unix:/')), '/'), 0];
        } else {
            [$this->af, $this->host, $this->port] = [str_contains($host, ':') ? self::INET6 : self::INET, $host, $port];
        }
        $this->ssl = $ssl;
    }

    /**
     * Sends a request and returns its response.
     *
     * @return HttpResponse|Response
     */
    public function execute(Request $request, float $timeout = -1.0): Response
    {
        $until = $timeout > 0 ? microtime(true) + $timeout : null;
        $left = function () use ($until): float {
            if ($until === null) {
                return -1.0;
            }
            $left = $until - microtime(true);
            return $left > 0 ? $left : $this->ioException(self::ETIMEDOUT);
        };
        if ($this->socket !== null && !$this->socket->checkLiveness()) {
            // The server has closed the idle connection.
            $this->socket->close();
            $this->socket = null;
        }
        if ($this->socket === null) {
            $this->socket = new Socket($this->af, self::STREAM, 0);
            if ($this->ssl) {
                $this->socket->setProtocol(['open_ssl' => true]);
            }
            if (!$this->socket->connect($this->host, $this->port, $left())) {
                $this->ioException();
            }
        }
        $message = (string) $request;
        if ($this->socket->sendAll($message, $left()) !== strlen($message)) {
            $this->ioException();
        }
        for ($records = [], $buffer = ''; !end($records) instanceof EndRequest;) {
            if (FrameParser::hasFrame($buffer)) {
                $records[] = $this->parse($buffer, FastCGI::DEFAULT_REQUEST_ID);
                continue;
            }
            $received = $this->socket->recv(65536, $left());
            if ($received === false || $received === '') {
                $this->ioException($received === '' ? self::ECONNRESET : null);
            }
            $buffer .= $received;
        }
        if (!$request->getKeepConn()) {
            $this->socket->close();
            $this->socket = null;
        }
        $status = end($records)->getProtocolStatus();
        if ($status !== FastCGI::REQUEST_COMPLETE) {
            $text = [FastCGI::CANT_MPX_CONN => 'cannot multiplex', FastCGI::OVERLOADED => 'is overloaded',
                FastCGI::UNKNOWN_ROLE => 'does not know the role'][$status] ?? "ended the request with protocol status {$status}";
            throw new Exception("FastCGI request to {$this->host}: the server {$text}", $status);
        }
        return $request instanceof HttpRequest ? new HttpResponse($records) : new Response($records);
    }

    /** Takes the next record off the buffer. What is not a record of this request ends the connection. */
    private function parse(string &$buffer, int $id): Record
    {
        try {
            $record = FrameParser::parseFrame($buffer);
            if ($record->getRequestId() !== $id && $record->getRequestId() !== 0) {
                throw new \DomainException("a record of request {$record->getRequestId()} instead of {$id}");
            }
            return $record;
        } catch (\DomainException | \TypeError | \RuntimeException $failure) {
            $this->socket->close();
            $this->socket = null;
            throw new Exception("FastCGI response of {$this->host}: {$failure->getMessage()}", 0, $failure);
        }
    }

    /** Host and port of `host:port`, or the path of a Unix socket as a host. */
    public static function parseUrl(string $url): array
    {
        $parts = parse_url($url);
        $host = $parts['host'] ?? '';
        if ($host === '') {
            $path = $parts['path'] ?? '';
            if ($path === '') {
                throw new \InvalidArgumentException("\"{$url}\" is no address of a FastCGI server");
            }
            $host = "unix:/{$path}";
        }
        return [$host, $parts['port'] ?? 0];
    }

    /** Runs a script, with a body if there is data, and returns the body of its response. */
    public static function call(string $url, string $path, $data = '', float $timeout = -1.0): string
    {
        $client = new self(...static::parseUrl($url));
        $parts = parse_url($path);
        $script = $parts['path'] ?? '';
        $request = new HttpRequest();
        $request->withDocumentRoot(dirname($script))
            ->withScriptFilename($script)
            ->withScriptName('/' . basename($script))
            ->withUri('/' . basename($script) . (isset($parts['query']) ? "?{$parts['query']}" : ''))
            ->withBody($data)
            ->withMethod($request->getContentLength() === 0 ? 'GET' : 'POST');
        return $client->execute($request, $timeout)->getBody();
    }

    /** Closes the connection and throws its error. */
    protected function ioException(?int $errno = null): void
    {
        $errno ??= $this->socket?->errCode ?? 0;
        $this->socket?->close();
        $this->socket = null;
        $server = $this->af === self::UNIX ? $this->host : "{$this->host}:{$this->port}";
        throw new Exception(swoole_strerror($errno) . " (FastCGI server {$server})", $errno);
    }
}
