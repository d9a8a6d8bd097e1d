<?php

/**
 * `Swoosh\Grpc\Service`: the handlers of calls. `Swoosh\Grpc\Server`: serves them on a port of its own, with both directions of a
 * call at once. In an existing `Swoole\Http\Server` with `open_http2_protocol`, a Service handles the requests that it is given.
 */

declare(strict_types=1);

namespace Swoosh\Grpc;

use Swoole\Coroutine;
use Swoole\Coroutine\Socket;
use Swoosh\Grpc\Internal\HttpTransport;
use Swoosh\Grpc\Internal\Settings;
use Swoosh\Grpc\Internal\StreamTransport;
use Swoosh\Grpc\Internal\Transport;
use Swoosh\Http2\ServerConnection;

class Service
{
    private const UNARY = 0;
    private const SERVER_STREAM = 1;
    private const CLIENT_STREAM = 2;
    private const BIDI_STREAM = 3;

    /** @var array<string, array{int, callable, mixed}> */
    private array $handlers = [];

    /** @var list<\Closure(): void> Called when a server takes no more calls. */
    private array $atShutdown = [];

    /**
     * Settings: `max_message_length`, the longest message that is accepted, bytes (4 MiB); `compression`, the coding of replies to
     * clients that accept it: `gzip` or `deflate`.
     *
     * @param array<string, mixed> $settings
     */
    public function __construct(protected array $settings = [])
    {
        Settings::check($this instanceof Server ? 'server' : 'service', $settings);
    }

    /**
     * One message, one reply: `$handler($message, ServerCall $call)` returns the reply.
     *
     * @param string $path `/package.Service/Method`
     * @param class-string|callable|null $type the class of the messages; `null`: bytes
     */
    public function unary(string $path, callable $handler, mixed $type = null): static
    {
        return $this->register($path, self::UNARY, $handler, $type);
    }

    /** One message, many replies: `$handler($message, ServerCall $call)` returns them, or writes them to the call. */
    public function serverStream(string $path, callable $handler, mixed $type = null): static
    {
        return $this->register($path, self::SERVER_STREAM, $handler, $type);
    }

    /** Many messages, one reply: `$handler(ServerCall $call)` reads them from the call and returns the reply. */
    public function clientStream(string $path, callable $handler, mixed $type = null): static
    {
        return $this->register($path, self::CLIENT_STREAM, $handler, $type);
    }

    /** Many messages, many replies: `$handler(ServerCall $call)` reads and writes, or returns the replies. */
    public function bidiStream(string $path, callable $handler, mixed $type = null): static
    {
        return $this->register($path, self::BIDI_STREAM, $handler, $type);
    }

    /**
     * Handles a request of an HTTP server. With its setting `open_grpc_protocol`, messages arrive while the handler runs; else they
     * are all there before.
     */
    public function handle(\Swoole\Http\Request $request, \Swoole\Http\Response $response): void
    {
        $this->serve(new HttpTransport($request, $response));
    }

    /** Calls a function when the server takes no more calls. @internal */
    public function atShutdown(\Closure $function): void
    {
        $this->atShutdown[] = $function;
    }

    /** @internal */
    protected function ending(): void
    {
        foreach ($this->atShutdown as $function) {
            $function();
        }
    }

    /** @internal */
    protected function serve(Transport $transport): void
    {
        [$method, $path, $headers] = $transport->request();
        try {
            if (!preg_match('~^application/grpc(?![a-z-])~i', Metadata::field($headers, 'content-type') ?? '')) {
                $transport->head(415, [], true);
                return;
            }
            if ($method !== 'POST') {
                $transport->head(405, ['allow' => 'POST'], true);
                return;
            }
        } catch (Exception) {
            return;
        }
        [$kind, $handler, $type] = $this->handlers[$path] ?? [null, null, null];
        $encoding = Metadata::field($headers, 'grpc-encoding') ?? 'identity';
        $messages = new Messages((int) ($this->settings['max_message_length'] ?? Messages::MAX_LENGTH), $encoding);
        $call = new ServerCall($transport, $path, $headers, $messages, $type);
        try {
            if ($kind === null) {
                throw new Exception(Status::UNIMPLEMENTED, "there is no method $path");
            }
            if (!Messages::knows($encoding)) {
                $call->sendMetadata();
                throw new Exception(Status::UNIMPLEMENTED, "messages are compressed as '$encoding', which is not known");
            }
            $timeout = Metadata::field($headers, 'grpc-timeout');
            if ($timeout !== null) {
                $seconds = Metadata::decodeTimeout($timeout);
                $call->limit($seconds ?? throw new Exception(Status::INTERNAL, 'grpc-timeout is malformed'));
            }
            $call->compress($this->settings['compression'] ?? 'identity');
            $this->run($kind, $handler, $call);
            $status = new Status(Status::OK);
        } catch (Exception $e) {
            $status = new Status($e->getCode(), $e->getMessage(), $e->getMetadata());
        } catch (\Throwable $e) {
            trigger_error("gRPC $path: $e", E_USER_WARNING);
            $status = new Status(Status::UNKNOWN, 'the handler has failed');
        }
        try {
            $call->finish($status);
        } catch (\InvalidArgumentException $e) {
            $call->finish(new Status(Status::INTERNAL, $e->getMessage()));
        }
    }

    private function run(int $kind, callable $handler, ServerCall $call): void
    {
        if ($kind === self::UNARY || $kind === self::SERVER_STREAM) {
            $message = $call->read() ?? throw new Exception(Status::INTERNAL, 'there is no message');
            if ($call->read() !== null) {
                throw new Exception(Status::INTERNAL, 'there is more than one message');
            }
            $result = $handler($message, $call);
        } else {
            $result = $handler($call);
        }
        if ($kind === self::UNARY || $kind === self::CLIENT_STREAM) {
            $call->write($result);
        } elseif (is_iterable($result)) {
            foreach ($result as $reply) {
                $call->write($reply);
            }
        }
    }

    private function register(string $path, int $kind, callable $handler, mixed $type): static
    {
        if (!preg_match('~^/[^/]+/[^/]+$~D', $path)) {
            throw new \InvalidArgumentException("'$path' is not the path of a method: /package.Service/Method");
        }
        if (isset($this->handlers[$path])) {
            throw new \InvalidArgumentException("the method $path has a handler already");
        }
        $this->handlers[$path] = [$kind, $handler, $type];
        return $this;
    }
}

/** A server of its own port, in this process or in `worker_num` processes. */
final class Server extends Service
{
    private const ETIMEDOUT = 110;

    /** Seconds for the TLS handshake and the first request of a connection. */
    private const FIRST_REQUEST = 10.0;

    private Socket $listener;

    /** The port; that which the system has chosen for 0. */
    public readonly int $port;

    /** @var array<int, ServerConnection> */
    private array $connections = [];

    private bool $isEnding = false;

    /**
     * Binds the port. Settings: those of Service; `worker_num`, processes (0: this one); `idle_timeout`, seconds after which a connection
     * without calls is closed (300); `max_connections` of a process (10,000); `backlog`; `max_wait_time`, seconds that calls have to end
     * after shutdown() (3); `ssl_cert_file` and `ssl_key_file` for TLS, and the other `ssl_` settings; the `http2_` settings.
     *
     * @param array<string, mixed> $settings
     */
    public function __construct(public readonly string $host, int $port = 50051, array $settings = [])
    {
        parent::__construct($settings);
        $address = $host === 'localhost' ? '127.0.0.1' : $host;
        if (@inet_pton($address) === false) {
            throw new \InvalidArgumentException("cannot listen on '$host': it is not an IP address");
        }
        $this->listener = new Socket(str_contains($address, ':') ? 10 : 2, 1, 0);
        $isTls = isset($settings['ssl_cert_file']) || isset($settings['ssl_sni_certs']);
        $tls = array_filter($settings, static fn (string $name): bool => str_starts_with($name, 'ssl_'), ARRAY_FILTER_USE_KEY);
        if ($isTls && !$this->listener->setProtocol(['open_ssl' => true, 'open_http2_protocol' => true] + $tls)) {
            throw new \Swoole\Exception('the TLS settings are not valid');
        }
        if (!$this->listener->bind($address, $port) || !$this->listener->listen((int) ($settings['backlog'] ?? 512))) {
            throw new \Swoole\Exception("cannot listen on $host:$port: {$this->listener->errMsg}", $this->listener->errCode);
        }
        $this->port = $this->listener->getsockname()['port'];
    }

    /** Serves until shutdown(); with `worker_num`, until the process gets SIGTERM. */
    public function start(): void
    {
        $workers = (int) ($this->settings['worker_num'] ?? 0);
        if ($workers > 0) {
            $pool = new \Swoole\Process\Pool($workers, 0, 0, true);
            $pool->on('WorkerStart', function (): void {
                \Swoole\Process::signal(SIGTERM, fn () => $this->shutdown());
                $this->accept();
            });
            $pool->start();
        } elseif (Coroutine::getCid() > 0) {
            $this->accept();
        } else {
            Coroutine\run($this->accept(...));
        }
    }

    /** Accepts no more calls. Those that are open have `max_wait_time` to end. */
    public function shutdown(): void
    {
        if ($this->isEnding) {
            return;
        }
        $this->isEnding = true;
        $this->listener->cancel();
        $this->listener->close();
        foreach ($this->connections as $connection) {
            $connection->shutdown();
        }
        $this->ending();
    }

    private function accept(): void
    {
        $most = (int) ($this->settings['max_connections'] ?? 10_000);
        while (!$this->isEnding) {
            $socket = $this->listener->accept(-1);
            if ($socket === false) {
                if (!$this->isEnding && $this->listener->errCode !== self::ETIMEDOUT) {
                    // No descriptor is free, or the wait was interrupted.
                    Coroutine::sleep(0.1);
                }
                continue;
            }
            if (count($this->connections) >= $most) {
                $socket->close();
                continue;
            }
            Coroutine::create($this->connection(...), $socket);
            unset($socket);
        }
        $until = microtime(true) + (float) ($this->settings['max_wait_time'] ?? 3.0);
        while ($this->connections !== [] && microtime(true) < $until) {
            Coroutine::sleep(0.01);
        }
        foreach ($this->connections as $connection) {
            $connection->close();
        }
    }

    /** Serves the calls of a connection. */
    private function connection(Socket $socket): void
    {
        $isTls = isset($this->settings['ssl_cert_file']) || isset($this->settings['ssl_sni_certs']);
        if ($isTls && !$socket->sslHandshake()) {
            $socket->close();
            return;
        }
        $connection = new ServerConnection($socket, $this->settings);
        $id = spl_object_id($connection);
        $this->connections[$id] = $connection;
        try {
            $timeout = self::FIRST_REQUEST;
            $isEnding = false;
            while (true) {
                $stream = $connection->accept($timeout);
                if ($stream === false && $connection->errCode !== self::ETIMEDOUT) {
                    return;
                }
                $timeout = $isEnding ? 1.0 : (float) ($this->settings['idle_timeout'] ?? 300.0);
                if ($stream !== false) {
                    $transport = new StreamTransport($stream);
                    unset($stream);
                    Coroutine::create(fn () => $this->serve($transport));
                    unset($transport);
                } elseif ($connection->openStreams() === 0) {
                    if ($isEnding) {
                        return;
                    }
                    // Calls that were on the way are served; then the client has a moment to end its side.
                    $connection->shutdown();
                    [$isEnding, $timeout] = [true, 1.0];
                }
            }
        } finally {
            unset($this->connections[$id]);
            $connection->close();
        }
    }
}
