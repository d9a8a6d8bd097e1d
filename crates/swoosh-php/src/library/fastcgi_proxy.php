<?php

declare(strict_types=1);

namespace Swoole\Coroutine\FastCGI;

use Swoole\FastCGI\HttpRequest;
use Swoole\FastCGI\HttpResponse;
use Swoole\Http;

/** Passes requests of an HTTP server on to a FastCGI server; files that are no PHP scripts are sent from the document root. */
class Proxy
{
    /** @var string */
    protected $host;

    /** @var int */
    protected $port;

    /** @var float */
    protected $timeout = -1;

    /** @var string */
    protected $documentRoot;

    /** @var bool */
    protected $https = false;

    /** @var string */
    protected $index = 'index.php';

    /** @var array */
    protected $params = [];

    /** @var null|callable */
    protected $staticFileFilter;

    public function __construct(string $url, string $documentRoot = '/')
    {
        [$this->host, $this->port] = Client::parseUrl($url);
        $this->documentRoot = $documentRoot;
        $this->staticFileFilter = [$this, 'staticFileFiltrate'];
    }

    public function withTimeout(float $timeout): self
    {
        $this->timeout = $timeout;
        return $this;
    }

    public function withHttps(bool $https): self
    {
        $this->https = $https;
        return $this;
    }

    public function withIndex(string $index): self
    {
        $this->index = $index;
        return $this;
    }

    public function getParam(string $name): ?string
    {
        return $this->params[$name] ?? null;
    }

    public function withParam(string $name, string $value): self
    {
        $this->params[$name] = $value;
        return $this;
    }

    public function withoutParam(string $name): self
    {
        unset($this->params[$name]);
        return $this;
    }

    public function getParams(): array
    {
        return $this->params;
    }

    public function withParams(array $params): self
    {
        $this->params = $params;
        return $this;
    }

    public function withAddedParams(array $params): self
    {
        $this->params = $params + $this->params;
        return $this;
    }

    /** A function that answers requests itself: it gets the FastCGI request and the HTTP response, and says whether it did. */
    public function withStaticFileFilter(?callable $filter): self
    {
        $this->staticFileFilter = $filter;
        return $this;
    }

    public function translateRequest(Http\Request $userRequest): HttpRequest
    {
        $server = $userRequest->server;
        $uri = $server['request_uri'] ?? '/';
        $query = $server['query_string'] ?? '';
        $path = self::normalized($uri);
        $script = $path;
        $info = '';
        if (preg_match('~^(.*?\.php)(/.*)$~', $path, $found)) {
            [, $script, $info] = $found;
        }
        $file = $this->documentRoot . $script;
        if (pathinfo($script, PATHINFO_EXTENSION) === '') {
            $file = rtrim($file, '/') . "/{$this->index}";
        }
        $request = (new HttpRequest())
            ->withScheme($this->https ? 'https' : 'http')
            ->withMethod($server['request_method'] ?? 'GET')
            ->withDocumentRoot($this->documentRoot)
            ->withScriptFilename($file)
            ->withScriptName($script)
            ->withDocumentUri($path)
            ->withRequestUri($query === '' ? $uri : "{$uri}?{$query}")
            ->withQueryString($query)
            ->withContentType($userRequest->header['content-type'] ?? '')
            ->withServerProtocol($server['server_protocol'] ?? 'HTTP/1.1')
            ->withRemoteAddr($server['remote_addr'] ?? 'unknown')
            ->withRemotePort((int) ($server['remote_port'] ?? 0))
            ->withServerAddr($server['server_addr'] ?? '127.0.0.1')
            ->withServerPort((int) ($server['server_port'] ?? 0))
            ->withHeaders($userRequest->header ?? []);
        // A program would take the header `Proxy` for its environment's HTTP_PROXY.
        $request->withoutParam('HTTP_PROXY');
        if ($info !== '') {
            $request->withParam('PATH_INFO', $info);
        }
        if (!empty($userRequest->cookie) && $request->getHeader('Cookie') === null) {
            $pairs = array_map(fn ($name, $value) => "{$name}=" . rawurlencode((string) $value), array_keys($userRequest->cookie), $userRequest->cookie);
            $request->withHeader('Cookie', implode('; ', $pairs));
        }
        if ($this->https) {
            $request->withParam('HTTPS', '1');
        }
        return $request->withBody((string) $userRequest->rawContent())->withAddedParams($this->params);
    }

    public function translateResponse(HttpResponse $response, Http\Response $userResponse): void
    {
        $userResponse->status($response->getStatusCode(), $response->getReasonPhrase());
        foreach ($response->getHeaders() as $name => $value) {
            if (!in_array(strtolower($name), ['connection', 'content-length', 'transfer-encoding'], true)) {
                $userResponse->header($name, $value);
            }
        }
        if ($response->getSetCookieHeaderLines() !== []) {
            $userResponse->header('Set-Cookie', $response->getSetCookieHeaderLines());
        }
        $userResponse->end($response->getBody());
    }

    /** Answers a request. */
    public function pass(Http\Request|HttpRequest $userRequest, Http\Response $userResponse): void
    {
        $request = $userRequest instanceof HttpRequest ? $userRequest : $this->translateRequest($userRequest);
        if ($this->staticFileFilter !== null && ($this->staticFileFilter)($request, $userResponse)) {
            return;
        }
        $client = new Client($this->host, $this->port);
        $this->translateResponse($client->execute($request, (float) $this->timeout), $userResponse);
    }

    /** Sends a file of the document root that is no PHP script; whether the request is for one. */
    public function staticFileFiltrate(HttpRequest $request, Http\Response $userResponse): bool
    {
        if (pathinfo((string) $request->getScriptFilename(), PATHINFO_EXTENSION) === 'php') {
            return false;
        }
        $file = realpath((string) $request->getScriptFilename());
        $root = realpath($this->documentRoot);
        if ($file === false || $root === false || !is_file($file) || !str_starts_with($file, rtrim($root, '/') . '/')) {
            $userResponse->status(Http\Status::NOT_FOUND);
            $userResponse->end();
        } else {
            $userResponse->sendfile($file);
        }
        return true;
    }

    /** A path without `.`, `..` and empty segments, so that it stays within the document root. */
    private static function normalized(string $path): string
    {
        $segments = [];
        foreach (explode('/', rawurldecode($path)) as $segment) {
            if ($segment === '..') {
                array_pop($segments);
            } elseif ($segment !== '' && $segment !== '.') {
                $segments[] = $segment;
            }
        }
        $end = preg_match('~/\.{0,2}$~', $path) && $segments !== [] ? '/' : '';
        return '/' . implode('/', $segments) . $end;
    }
}
