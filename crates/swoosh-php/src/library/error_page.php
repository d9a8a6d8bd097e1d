<?php

/**
 * `http_error_page`: answers a request whose callback threw with a page, a text or JSON that shows the exception. For development:
 * the source and the request are shown to the client.
 */

declare(strict_types=1);

namespace Swoosh\Internal;

use Closure;
use Swoole\ExitException;
use Swoole\Http\Request;
use Swoole\Http\Response;
use Swoole\Server;
use Throwable;

final class ErrorPage
{
    /** Lines of source before and after the one that threw. */
    private const CONTEXT = 6;
    /** Fields of a request that name or prove who sent it. */
    private const SECRET = ['authorization', 'cookie', 'proxy-authorization', 'x-api-key', 'x-csrf-token', 'x-xsrf-token'];

    /** Encloses a request callback. */
    public static function around(callable $callback, Server $server): Closure
    {
        return static function (Request $request, Response $response) use ($callback, $server): void {
            try {
                $callback($request, $response);
            } catch (ExitException $exit) {
                throw $exit;
            } catch (Throwable $thrown) {
                error_log("{$request->server['request_method']} {$request->server['request_uri']}: Uncaught $thrown");
                self::respond($request, $response, $thrown, $server);
            }
        };
    }

    private static function respond(Request $request, Response $response, Throwable $thrown, Server $server): void
    {
        if (!$response->isWritable()) {
            return;
        }
        if (self::hasBegun($response)) {
            // The client must not take what it has for the whole response.
            $server->close($request->fd, true);
            return;
        }
        $accept = $request->header['accept'] ?? '';
        [$type, $body] = match (true) {
            str_contains($accept, 'text/html') => ['text/html', self::page($request, $thrown)],
            str_contains($accept, 'json') => ['application/json', self::json($thrown)],
            default => ['text/plain', "$thrown\n"],
        };
        // They describe the response that was not finished.
        $own = array_flip(['content-encoding', 'content-range', 'content-disposition', 'etag', 'expires', 'last-modified']);
        $response->header = array_diff_ukey($response->header ?? [], $own, 'strcasecmp');
        @$response->status(500);
        @$response->header('Content-Type', "$type; charset=utf-8");
        @$response->header('Cache-Control', 'no-store');
        @$response->end($body);
    }

    /** Whether the head has been sent. */
    private static function hasBegun(Response $response): bool
    {
        swoole_clear_error();
        // Refused in any case, and for this reason once the head has been sent.
        @$response->sendfile('');
        return swoole_last_error() === SWOOLE_ERROR_HTTP_CONTEXT_UNAVAILABLE;
    }

    private static function json(Throwable $thrown): string
    {
        $error = static fn (Throwable $of) => [
            'exception' => $of::class,
            'message' => $of->getMessage(),
            'file' => $of->getFile(),
            'line' => $of->getLine(),
            'trace' => explode("\n", $of->getTraceAsString()),
        ];
        $all = array_map($error, self::chain($thrown));
        return json_encode(['error' => $all[0] + ['previous' => array_slice($all, 1)]], self::JSON) . "\n";
    }

    private const JSON = JSON_PRETTY_PRINT | JSON_UNESCAPED_SLASHES | JSON_UNESCAPED_UNICODE | JSON_INVALID_UTF8_SUBSTITUTE;

    /** @return Throwable[] an exception and those that led to it */
    private static function chain(Throwable $thrown): array
    {
        for ($all = []; $thrown !== null; $thrown = $thrown->getPrevious()) {
            $all[] = $thrown;
        }
        return $all;
    }

    private static function page(Request $request, Throwable $thrown): string
    {
        $title = self::text($thrown::class . ': ' . strtok($thrown->getMessage() . "\n", "\n"));
        $sections = '';
        foreach (self::chain($thrown) as $n => $one) {
            $sections .= '<section><h2>' . ($n > 0 ? 'caused by ' : '') . self::text($one::class) . '</h2>'
                . '<p class="message">' . self::text($one->getMessage()) . '</p>'
                . self::place($one->getFile(), $one->getLine())
                . self::source($one->getFile(), $one->getLine()) . self::trace($one) . '</section>';
        }
        $line = self::text("{$request->server['request_method']} {$request->server['request_uri']}"
            . (isset($request->server['query_string']) ? "?{$request->server['query_string']}" : ''));
        $fields = '';
        foreach ($request->header ?? [] as $name => $value) {
            $shown = in_array($name, self::SECRET, true) ? '(not shown)' : implode(', ', (array) $value);
            $fields .= '<tr><th scope="row">' . self::text((string) $name) . '</th><td>' . self::text($shown) . '</td></tr>';
        }
        return <<<HTML
            <!doctype html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <title>$title</title>
            <style>
            :root { color-scheme: light dark; --line: #8884; --mark: #e5484d33; }
            body { font: 16px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 0 auto; padding: 1rem; overflow-wrap: anywhere; }
            h1 { font-size: 1rem; font-weight: normal; opacity: .8; }
            h2 { margin-bottom: 0; }
            .message { font-size: 1.2rem; margin-top: .25rem; white-space: pre-wrap; }
            pre, code, table { font: 14px/1.5 ui-monospace, monospace; }
            pre { border: 1px solid var(--line); border-radius: 6px; overflow-x: auto; padding: .5rem 0; }
            pre span { display: block; padding: 0 .75rem; min-width: max-content; }
            pre .thrown { background: var(--mark); }
            ol { padding-left: 2rem; }
            li code { display: block; }
            li small { opacity: .75; }
            th { text-align: left; vertical-align: top; padding-right: 1rem; font-weight: normal; opacity: .75; }
            footer { border-top: 1px solid var(--line); margin-top: 2rem; opacity: .75; font-size: .875rem; }
            </style>
            </head>
            <body>
            <h1>$line</h1>
            $sections
            <section><h2>Request</h2><table>$fields</table></section>
            <footer><p>This page is for development. In production set <code>http_error_page</code> to false.</p></footer>
            </body>
            </html>

            HTML;
    }

    private static function place(string $file, int $line): string
    {
        return '<p><code>' . self::text("$file:$line") . '</code></p>';
    }

    private static function source(string $file, int $line): string
    {
        $lines = is_file($file) ? @file($file, FILE_IGNORE_NEW_LINES) : false;
        if ($lines === false) {
            return '';
        }
        $shown = '';
        for ($n = max(1, $line - self::CONTEXT); $n <= min(count($lines), $line + self::CONTEXT); $n++) {
            $class = $n === $line ? ' class="thrown"' : '';
            $shown .= "<span$class>" . self::text(sprintf('%5d  %s', $n, $lines[$n - 1])) . '</span>';
        }
        return "<pre>$shown</pre>";
    }

    private static function trace(Throwable $thrown): string
    {
        $items = '';
        foreach ($thrown->getTrace() as $frame) {
            if (($frame['class'] ?? '') === self::class || str_starts_with($frame['file'] ?? '', '@swoole/')) {
                continue;
            }
            $called = ($frame['class'] ?? '') . ($frame['type'] ?? '') . $frame['function'] . '()';
            $place = isset($frame['file']) ? "{$frame['file']}:{$frame['line']}" : 'called by PHP or the server';
            $items .= '<li><code>' . self::text($called) . '</code><small>' . self::text($place) . '</small></li>';
        }
        return $items === '' ? '' : "<ol>$items</ol>";
    }

    private static function text(string $text): string
    {
        return htmlspecialchars($text, ENT_QUOTES | ENT_SUBSTITUTE | ENT_HTML5, 'UTF-8');
    }
}
