<?php

/**
 * `Swoosh\Grpc\Health`: the method `Check` of gRPC's health checking protocol, which load balancers and orchestrators call.
 *
 * Source: https://github.com/grpc/grpc/blob/master/doc/health-checking.md
 */

declare(strict_types=1);

namespace Swoosh\Grpc;

final class Health
{
    public const SERVING = 1;
    public const NOT_SERVING = 2;

    /** @var array<string, int> By service; the empty name is the server as a whole. */
    private array $statuses = ['' => self::SERVING];

    /** Adds `/grpc.health.v1.Health/Check` to a service or server. `Watch` is not implemented: clients call `Check` again. */
    public function __construct(Service $service)
    {
        $service->unary('/grpc.health.v1.Health/Check', fn (string $request): string => "\x08" . chr($this->status(self::name($request))));
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
        $this->statuses[$service] = $status;
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
