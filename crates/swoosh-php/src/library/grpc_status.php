<?php

/** `Swoosh\Grpc\Status` and `Swoosh\Grpc\Exception`: how a call has ended. */

declare(strict_types=1);

namespace Swoosh\Grpc;

/** The status of a call: a code, a message, and what else the trailers say. */
final class Status
{
    public const OK = 0;
    public const CANCELLED = 1;
    public const UNKNOWN = 2;
    public const INVALID_ARGUMENT = 3;
    public const DEADLINE_EXCEEDED = 4;
    public const NOT_FOUND = 5;
    public const ALREADY_EXISTS = 6;
    public const PERMISSION_DENIED = 7;
    public const RESOURCE_EXHAUSTED = 8;
    public const FAILED_PRECONDITION = 9;
    public const ABORTED = 10;
    public const OUT_OF_RANGE = 11;
    public const UNIMPLEMENTED = 12;
    public const INTERNAL = 13;
    public const UNAVAILABLE = 14;
    public const DATA_LOSS = 15;
    public const UNAUTHENTICATED = 16;

    /** @param array<string, list<string>> $metadata trailing metadata */
    public function __construct(
        public readonly int $code,
        public readonly string $details = '',
        public readonly array $metadata = []
    ) {
    }

    /** The name of a code: `NOT_FOUND`. */
    public static function nameOf(int $code): string
    {
        return array_search($code, (new \ReflectionClass(self::class))->getConstants(), true) ?: "status $code";
    }

    /** The code for a response that is not of gRPC, by its HTTP status. */
    public static function ofHttpStatus(int $status): int
    {
        return match ($status) {
            400 => self::INTERNAL,
            401 => self::UNAUTHENTICATED,
            403 => self::PERMISSION_DENIED,
            404 => self::UNIMPLEMENTED,
            429, 502, 503, 504 => self::UNAVAILABLE,
            default => self::UNKNOWN,
        };
    }

    /** The code for the HTTP/2 error with which a stream was reset. */
    public static function ofReset(int $error): int
    {
        return match ($error) {
            SWOOLE_HTTP2_ERROR_REFUSED_STREAM => self::UNAVAILABLE,
            SWOOLE_HTTP2_ERROR_CANCEL => self::CANCELLED,
            SWOOLE_HTTP2_ERROR_ENHANCE_YOUR_CALM => self::RESOURCE_EXHAUSTED,
            SWOOLE_HTTP2_ERROR_INADEQUATE_SECURITY => self::PERMISSION_DENIED,
            SWOOLE_HTTP2_ERROR_STREAM_CLOSED => self::UNKNOWN,
            default => self::INTERNAL,
        };
    }
}

/** A call that has not ended with `OK`. Its code is the status code. A handler throws it to choose the status. */
class Exception extends \Swoole\Exception
{
    /** @param array<string, string|list<string>> $metadata trailing metadata */
    public function __construct(int $code, string $details = '', private array $metadata = [], ?\Throwable $previous = null)
    {
        parent::__construct($details, $code, $previous);
    }

    /** The trailing metadata. @return array<string, string|list<string>> */
    public function getMetadata(): array
    {
        return $this->metadata;
    }
}

namespace Swoosh\Grpc\Internal;

/** Checks settings by the table that docs/SETTINGS.md is generated from. @internal */
final class Settings
{
    /**
     * Unknown names are reported with a warning.
     *
     * @param 'client'|'service'|'server' $of
     * @throws \InvalidArgumentException for a value of the wrong type or out of range
     */
    public static function check(string $of, array $settings): void
    {
        [$unknown, $refused] = \Swoole\Internal\check_settings($of, $settings);
        foreach ($refused as $text) {
            throw new \InvalidArgumentException($text);
        }
        foreach ($unknown as $text) {
            trigger_error("gRPC $of: $text", E_USER_WARNING);
        }
        $coding = $settings['compression'] ?? 'identity';
        if (!\Swoosh\Grpc\Messages::knows($coding)) {
            throw new \InvalidArgumentException("setting compression: \"$coding\" is refused: it needs the extension zlib");
        }
    }

    /** @throws \InvalidArgumentException for a time limit that is not a number of seconds */
    public static function checkTimeout(?float $timeout): void
    {
        if ($timeout !== null && !($timeout >= 0)) {
            throw new \InvalidArgumentException("a timeout of $timeout is refused: a number of seconds, 0 for no limit, or null for that of the settings");
        }
    }
}
