<?php

/**
 * `Swoosh\Grpc\Health`: gRPC's health checking protocol, which load balancers and orchestrators call (`Check`) and clients
 * subscribe to (`Watch`).
 *
 * Source: https://github.com/grpc/grpc/blob/master/doc/health-checking.md
 */

declare(strict_types=1);

namespace Swoosh\Grpc;

use Swoole\Coroutine;
use Swoole\Coroutine\Channel;

final class Health
{
    public const SERVING = 1;
    public const NOT_SERVING = 2;

    /** @var array<string, int> By service; the empty name is the server as a whole. */
    private array $statuses = ['' => self::SERVING];

    /** The status in `Watch` of a service whose status was not set. */
    private const SERVICE_UNKNOWN = 3;

    /** Seconds between two looks whether the client of a `Watch` has left. */
    private const CHECK = 1.0;

    /** @var array<int, Channel> One for each client that watches: it holds a value if a status may have changed. */
    private array $watchers = [];

    private bool $isEnding = false;

    /** Adds the methods of `grpc.health.v1.Health` to a service or server. `Watch` needs coroutines. */
    public function __construct(Service $service)
    {
        $service->unary('/grpc.health.v1.Health/Check', fn (string $request): string => self::response($this->status(self::name($request))));
        $service->serverStream('/grpc.health.v1.Health/Watch', fn (string $request, ServerCall $call) => $this->watch(self::name($request), $call));
        $service->atShutdown($this->shutdown(...));
    }

    /**
     * Sets the status of a service in this process.
     *
     * @param string $service `package.Service`; empty: the server as a whole
     */
    public function set(string $service, int $status): void
    {
        if ($status !== self::SERVING && $status !== self::NOT_SERVING) {
            throw new \InvalidArgumentException("$status is not a status of a service: Health::SERVING or Health::NOT_SERVING");
        }
        if (!$this->isEnding) {
            $this->statuses[$service] = $status;
            $this->notify();
        }
    }

    /**
     * Sets the status of all services to `NOT_SERVING` for good, and ends the calls of clients that watch, with `UNAVAILABLE`.
     * `Server::shutdown()` does it; an HTTP server's `WorkerExit` should.
     */
    public function shutdown(): void
    {
        $this->isEnding = true;
        $this->statuses = array_map(static fn (): int => self::NOT_SERVING, $this->statuses);
        $this->notify();
    }

    /** Sends the status of a service now and when it changes, until the client leaves. */
    private function watch(string $service, ServerCall $call): void
    {
        if (Coroutine::getCid() < 0) {
            throw new Exception(Status::UNIMPLEMENTED, 'Watch needs coroutines: the setting enable_coroutine is off');
        }
        $changed = new Channel(1);
        $id = spl_object_id($changed);
        $this->watchers[$id] = $changed;
        try {
            for ($sent = null; !$call->hasEnded(); $changed->pop(self::CHECK)) {
                $status = $this->statuses[$service] ?? self::SERVICE_UNKNOWN;
                if ($status !== $sent) {
                    $call->write(self::response($status));
                    $sent = $status;
                }
                if ($this->isEnding) {
                    throw new Exception(Status::UNAVAILABLE, 'the server is shutting down');
                }
            }
        } finally {
            unset($this->watchers[$id]);
        }
    }

    private function notify(): void
    {
        $waiting = array_filter($this->watchers, static fn (Channel $changed): bool => $changed->isEmpty());
        if ($waiting !== []) {
            // push() is for coroutines.
            Coroutine::create(static function () use ($waiting): void {
                foreach ($waiting as $changed) {
                    $changed->isEmpty() && $changed->push(true);
                }
            });
        }
    }

    /** A HealthCheckResponse. */
    private static function response(int $status): string
    {
        return "\x08" . chr($status);
    }

    /** @throws Exception for a service whose status was not set */
    private function status(string $service): int
    {
        return $this->statuses[$service] ?? throw new Exception(Status::NOT_FOUND, "the service '$service' is not known");
    }

    /** The field `service`, number 1, of a HealthCheckRequest. */
    private static function name(string $request): string
    {
        $name = '';
        for ($at = 0; $at < strlen($request);) {
            $tag = self::varint($request, $at);
            if (($tag & 7) === 0) {
                self::varint($request, $at);
                continue;
            }
            $length = match ($tag & 7) {
                1 => 8,
                2 => self::varint($request, $at),
                5 => 4,
                default => throw self::malformed(),
            };
            if ($length < 0 || $length > strlen($request) - $at) {
                throw self::malformed();
            }
            if ($tag === 10) {
                $name = substr($request, $at, $length);
            }
            $at += $length;
        }
        return $name;
    }

    private static function varint(string $bytes, int &$at): int
    {
        for ($number = 0, $shift = 0; $shift < 63 && $at < strlen($bytes); $shift += 7) {
            $byte = ord($bytes[$at++]);
            $number |= ($byte & 0x7f) << $shift;
            if ($byte < 0x80) {
                return $number;
            }
        }
        throw self::malformed();
    }

    private static function malformed(): Exception
    {
        return new Exception(Status::INVALID_ARGUMENT, 'the request is no HealthCheckRequest');
    }
}
