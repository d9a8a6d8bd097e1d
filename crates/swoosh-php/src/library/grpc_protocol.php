<?php

/**
 * `Swoosh\Grpc\Metadata` and `Swoosh\Grpc\Messages`: header fields and messages of gRPC over HTTP/2, for both sides.
 *
 * Source: https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md
 */

declare(strict_types=1);

namespace Swoosh\Grpc;

/** Metadata, deadlines and status texts in header fields. */
final class Metadata
{
    /** Fields of the protocol itself. */
    private const PROTOCOL = ['content-type', 'content-length', 'te', 'host', 'connection', 'trailer', 'transfer-encoding'];

    /** Nanoseconds of the units of `grpc-timeout`. */
    private const UNITS = ['n' => 1, 'u' => 1_000, 'm' => 1_000_000, 'S' => 1_000_000_000, 'M' => 60_000_000_000, 'H' => 3_600_000_000_000];

    /**
     * Header fields for metadata. Values of keys that end in `-bin` may contain any bytes.
     *
     * @param array<string, string|list<string>> $metadata
     * @return array<string, string>
     */
    public static function encode(array $metadata): array
    {
        $fields = [];
        foreach ($metadata as $key => $values) {
            $key = strtolower((string) $key);
            if (!preg_match('/^[0-9a-z_.-]+$/D', $key) || in_array($key, self::PROTOCOL, true)
                || str_starts_with($key, 'grpc-') && $key !== 'grpc-status-details-bin') {
                throw new \InvalidArgumentException("'$key' is not a key of metadata");
            }
            $encoded = [];
            foreach ((array) $values as $value) {
                $value = (string) $value;
                if (str_ends_with($key, '-bin')) {
                    $value = rtrim(base64_encode($value), '=');
                } elseif (!preg_match('/^[\x20-\x7e]*$/D', $value)) {
                    throw new \InvalidArgumentException("the value of '$key' has bytes that only a key with -bin may have");
                }
                $encoded[] = $value;
            }
            // Values of one key may be joined by commas.
            $fields[$key] = implode(',', $encoded);
        }
        return $fields;
    }

    /**
     * The metadata in header fields.
     *
     * @param array<string, string|list<string>> $fields
     * @return array<string, list<string>>
     */
    public static function decode(array $fields): array
    {
        $metadata = [];
        foreach ($fields as $key => $values) {
            $key = (string) $key;
            if (in_array($key, self::PROTOCOL, true) || str_starts_with($key, 'grpc-') && $key !== 'grpc-status-details-bin') {
                continue;
            }
            foreach ((array) $values as $value) {
                if (!str_ends_with($key, '-bin')) {
                    $metadata[$key][] = $value;
                    continue;
                }
                foreach (explode(',', $value) as $part) {
                    $bytes = base64_decode(trim($part), true);
                    if ($bytes !== false) {
                        $metadata[$key][] = $bytes;
                    }
                }
            }
        }
        return $metadata;
    }

    /** A field's value; the last one if it was repeated. */
    public static function field(array $fields, string $key): ?string
    {
        $value = $fields[$key] ?? null;
        return is_array($value) ? (end($value) ?: null) : $value;
    }

    /** A time as the value of `grpc-timeout`: at most eight digits and a unit. */
    public static function encodeTimeout(float $seconds): string
    {
        $nanoseconds = max(1.0, $seconds * 1e9);
        foreach (self::UNITS as $unit => $length) {
            if ($nanoseconds / $length < 99_999_999) {
                // Without the error of floating-point numbers.
                return (int) ceil(round($nanoseconds / $length, 3)) . $unit;
            }
        }
        return '99999999H';
    }

    /** The seconds in a `grpc-timeout`; `null` if it is malformed. */
    public static function decodeTimeout(string $value): ?float
    {
        return preg_match('/^([0-9]{1,8})([numSMH])$/D', $value, $found) ? (int) $found[1] * self::UNITS[$found[2]] / 1e9 : null;
    }

    /** A status text as `grpc-message`: percent-encoded outside of printable ASCII. */
    public static function encodeMessage(string $details): string
    {
        return preg_replace_callback('/[^\x20-\x24\x26-\x7e]/', static fn (array $found): string => sprintf('%%%02X', ord($found[0])), $details);
    }

    public static function decodeMessage(string $value): string
    {
        return rawurldecode($value);
    }
}

/** Messages in a stream of bytes: each with a flag whether it is compressed and its length before it. */
final class Messages
{
    /** Codings of messages that are understood, in order of preference. */
    public const ENCODINGS = ['identity', 'gzip', 'deflate'];

    /** The longest message by default, bytes. */
    public const MAX_LENGTH = 4 << 20;

    private const STEP = 16384;

    private string $buffer = '';

    /** The first byte of the buffer that was not taken. */
    private int $start = 0;

    /** @param int $limit the longest message, bytes, compressed and not */
    public function __construct(private int $limit, private string $encoding = 'identity')
    {
    }

    public function setEncoding(string $encoding): void
    {
        $this->encoding = $encoding;
    }

    public function add(string $bytes): void
    {
        if ($this->start > 0) {
            $this->buffer = substr($this->buffer, $this->start);
            $this->start = 0;
        }
        $this->buffer .= $bytes;
    }

    /** The next message, if it has arrived. @throws Exception if it is malformed or too long */
    public function next(): ?string
    {
        $available = strlen($this->buffer) - $this->start;
        if ($available < 5) {
            return null;
        }
        ['flag' => $flag, 'length' => $length] = unpack('Cflag/Nlength', $this->buffer, $this->start);
        if ($flag > 1) {
            throw new Exception(Status::INTERNAL, "a message begins with byte $flag");
        }
        if ($length > $this->limit) {
            throw new Exception(Status::RESOURCE_EXHAUSTED, "a message has $length bytes, more than $this->limit");
        }
        if ($available < 5 + $length) {
            return null;
        }
        $message = substr($this->buffer, $this->start + 5, $length);
        $this->start += 5 + $length;
        return $flag === 1 ? $this->decompress($message) : $message;
    }

    /** Whether a part of a message has arrived. */
    public function isIncomplete(): bool
    {
        return $this->start < strlen($this->buffer);
    }

    /** A message as it is sent. */
    public static function frame(string $message, string $encoding = 'identity'): string
    {
        if ($encoding !== 'identity') {
            $message = $encoding === 'gzip' ? gzencode($message) : gzcompress($message);
        }
        return pack('CN', $encoding === 'identity' ? 0 : 1, strlen($message)) . $message;
    }

    /** Whether messages in that coding are understood. */
    public static function knows(string $encoding): bool
    {
        return $encoding === 'identity' || in_array($encoding, self::ENCODINGS, true) && function_exists('inflate_init');
    }

    /** The value of `grpc-accept-encoding`. */
    public static function accepted(): string
    {
        return implode(',', array_filter(self::ENCODINGS, self::knows(...)));
    }

    /** The bytes of a message: a string, or an object with `serializeToString()` as those of google/protobuf. */
    public static function serialize(mixed $message): string
    {
        return match (true) {
            is_string($message) => $message,
            is_object($message) && method_exists($message, 'serializeToString') => $message->serializeToString(),
            default => throw new \InvalidArgumentException(
                'a message is a string or an object with serializeToString(), not ' . get_debug_type($message)
            ),
        };
    }

    /**
     * A message of bytes: `null` leaves them, a class is created and given them by `mergeFromString()`, code is called.
     *
     * @param class-string|callable|array|null $type
     */
    public static function deserialize(string $bytes, mixed $type): mixed
    {
        if (is_array($type) && ($type[1] ?? null) === 'decode') {
            // Generated stubs name a method that google/protobuf does not have.
            $type = $type[0];
        }
        if ($type === null) {
            return $bytes;
        }
        if (is_string($type) && class_exists($type)) {
            $message = new $type();
            $message->mergeFromString($bytes);
            return $message;
        }
        return $type($bytes);
    }

    private function decompress(string $bytes): string
    {
        $format = match ($this->encoding) {
            'gzip' => ZLIB_ENCODING_GZIP,
            'deflate' => ZLIB_ENCODING_DEFLATE,
            default => throw new Exception(Status::INTERNAL, "a compressed message, but the encoding is $this->encoding"),
        };
        $inflate = inflate_init($format);
        $plain = '';
        foreach (str_split($bytes, self::STEP) as $step) {
            $piece = @inflate_add($inflate, $step);
            if ($piece === false) {
                throw new Exception(Status::INTERNAL, 'a compressed message is malformed');
            }
            $plain .= $piece;
            if (strlen($plain) > $this->limit) {
                throw new Exception(Status::RESOURCE_EXHAUSTED, "a message has more than $this->limit bytes without its compression");
            }
        }
        if (inflate_get_status($inflate) !== ZLIB_STREAM_END) {
            throw new Exception(Status::INTERNAL, 'a compressed message is incomplete');
        }
        return $plain;
    }
}
