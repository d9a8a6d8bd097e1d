<?php

/** The records of FastCGI (specification of version 1.0, chapters 3 and 5). */

declare(strict_types=1);

namespace Swoole\FastCGI;

use Swoole\FastCGI;

/** A record. Its content is padded to a multiple of 8 bytes. */
class Record implements \Stringable
{
    protected int $version = FastCGI::VERSION_1;

    protected int $type = FastCGI::UNKNOWN_TYPE;

    protected int $requestId = FastCGI::DEFAULT_REQUEST_ID;

    protected int $reserved = 0;

    private int $contentLength = 0;

    private int $paddingLength = 0;

    private string $contentData = '';

    private string $paddingData = '';

    final public function __toString(): string
    {
        $head = pack('CCnnCC', $this->version, $this->type, $this->requestId, $this->contentLength, $this->paddingLength, $this->reserved);
        return $head . $this->packPayload() . $this->paddingData;
    }

    final public static function unpack(string $binaryData): static
    {
        /** @var static $self */
        $self = (new \ReflectionClass(static::class))->newInstanceWithoutConstructor();
        $head = unpack(FastCGI::HEADER_FORMAT, $binaryData);
        if ($head === false) {
            throw new \RuntimeException('the record has no complete header');
        }
        [
            'version' => $self->version, 'type' => $self->type, 'requestId' => $self->requestId,
            'contentLength' => $self->contentLength, 'paddingLength' => $self->paddingLength, 'reserved' => $self->reserved,
        ] = $head;
        $rest = unpack("a{$self->contentLength}content/a{$self->paddingLength}padding", substr($binaryData, FastCGI::HEADER_LEN));
        if ($rest === false) {
            throw new \RuntimeException('the record is shorter than its header says');
        }
        $self->contentData = substr($binaryData, FastCGI::HEADER_LEN, $self->contentLength);
        $self->paddingData = substr($binaryData, FastCGI::HEADER_LEN + $self->contentLength, $self->paddingLength);
        if (static::class !== self::class && $self->contentLength > 0) {
            static::unpackPayload($self, $self->contentData);
        }
        return $self;
    }

    /** Sets the content; what exceeds 65,535 bytes is cut. */
    public function setContentData(string $data): self
    {
        $this->contentData = substr($data, 0, FastCGI::MAX_CONTENT_LENGTH);
        $this->contentLength = strlen($this->contentData);
        $this->paddingLength = (8 - $this->contentLength % 8) % 8;
        $this->paddingData = str_repeat("\0", $this->paddingLength);
        return $this;
    }

    public function getContentData(): string
    {
        return $this->contentData;
    }

    public function getVersion(): int
    {
        return $this->version;
    }

    public function getType(): int
    {
        return $this->type;
    }

    public function getRequestId(): int
    {
        return $this->requestId;
    }

    public function setRequestId(int $requestId): self
    {
        $this->requestId = $requestId;
        return $this;
    }

    final public function getContentLength(): int
    {
        return $this->contentLength;
    }

    final public function getPaddingLength(): int
    {
        return $this->paddingLength;
    }

    /** Reads the fields of a kind of record from its content. */
    protected static function unpackPayload(self $self, string $binaryData): void
    {
    }

    /** The content with the fields of this kind of record. */
    protected function packPayload(): string
    {
        return $this->contentData;
    }
}

namespace Swoole\FastCGI\Record;

use Swoole\FastCGI;
use Swoole\FastCGI\Record;

class AbortRequest extends Record
{
    public function __construct(int $requestId)
    {
        $this->type = FastCGI::ABORT_REQUEST;
        $this->setRequestId($requestId);
    }
}

class BeginRequest extends Record
{
    protected int $role = FastCGI::UNKNOWN_ROLE;

    protected int $flags;

    protected string $reserved1;

    public function __construct(int $role = FastCGI::UNKNOWN_ROLE, int $flags = 0, string $reserved = '')
    {
        $this->type = FastCGI::BEGIN_REQUEST;
        $this->role = $role;
        $this->flags = $flags;
        $this->reserved1 = $reserved;
        $this->setContentData($this->packPayload());
    }

    public function getRole(): int
    {
        return $this->role;
    }

    public function getFlags(): int
    {
        return $this->flags;
    }

    protected static function unpackPayload(Record $self, string $binaryData): void
    {
        ['role' => $self->role, 'flags' => $self->flags, 'reserved' => $self->reserved1] = unpack('nrole/Cflags/a5reserved', $binaryData);
    }

    protected function packPayload(): string
    {
        return pack('nCa5', $this->role, $this->flags, $this->reserved1);
    }
}

class Data extends Record
{
    public function __construct(string $contentData)
    {
        $this->type = FastCGI::DATA;
        $this->setContentData($contentData);
    }
}

class EndRequest extends Record
{
    protected int $appStatus = 0;

    protected int $protocolStatus = FastCGI::REQUEST_COMPLETE;

    protected string $reserved1;

    public function __construct(int $protocolStatus = FastCGI::REQUEST_COMPLETE, int $appStatus = 0, string $reserved = '')
    {
        $this->type = FastCGI::END_REQUEST;
        $this->protocolStatus = $protocolStatus;
        $this->appStatus = $appStatus;
        $this->reserved1 = $reserved;
        $this->setContentData($this->packPayload());
    }

    public function getAppStatus(): int
    {
        return $this->appStatus;
    }

    public function getProtocolStatus(): int
    {
        return $this->protocolStatus;
    }

    protected static function unpackPayload(Record $self, string $binaryData): void
    {
        if (strlen($binaryData) < 8) {
            throw new \DomainException('an END_REQUEST record of ' . strlen($binaryData) . ' bytes instead of 8');
        }
        ['app' => $self->appStatus, 'protocol' => $self->protocolStatus, 'reserved' => $self->reserved1]
            = unpack('Napp/Cprotocol/a3reserved', $binaryData);
    }

    protected function packPayload(): string
    {
        return pack('NCa3', $this->appStatus, $this->protocolStatus, $this->reserved1);
    }
}

/** Names and values: their lengths have one byte below 128, else four with the highest bit set. */
class Params extends Record
{
    protected array $values = [];

    public function __construct(array $values)
    {
        $this->type = FastCGI::PARAMS;
        $this->values = $values;
        $this->setContentData($this->packPayload());
    }

    public function getValues(): array
    {
        return $this->values;
    }

    protected static function unpackPayload(Record $self, string $binaryData): void
    {
        $values = [];
        $end = strlen($binaryData);
        $at = 0;
        $length = function () use ($binaryData, $end, &$at): int {
            $size = $at < $end && ord($binaryData[$at]) >= 128 ? 4 : 1;
            if ($at + $size > $end) {
                throw new \RuntimeException('a length of a parameter is cut');
            }
            $value = $size === 1 ? ord($binaryData[$at]) : unpack('N', $binaryData, $at)[1] & 0x7fffffff;
            $at += $size;
            return $value;
        };
        while ($at < $end) {
            $name = $length();
            $value = $length();
            if ($at + $name + $value > $end) {
                throw new \RuntimeException('a parameter is longer than its record');
            }
            $values[substr($binaryData, $at, $name)] = substr($binaryData, $at + $name, $value);
            $at += $name + $value;
        }
        $self->values = $values;
    }

    protected function packPayload(): string
    {
        $length = fn (string $text): string => strlen($text) < 128 ? chr(strlen($text)) : pack('N', strlen($text) | 0x80000000);
        $payload = '';
        foreach ($this->values as $name => $value) {
            [$name, $value] = [(string) $name, (string) $value];
            $payload .= $length($name) . $length($value) . $name . $value;
        }
        return $payload;
    }
}

class GetValues extends Params
{
    public function __construct(array $keys)
    {
        parent::__construct(array_fill_keys($keys, ''));
        $this->type = FastCGI::GET_VALUES;
    }
}

class GetValuesResult extends Params
{
    public function __construct(array $values)
    {
        parent::__construct($values);
        $this->type = FastCGI::GET_VALUES_RESULT;
    }
}

class Stderr extends Record
{
    public function __construct(string $contentData)
    {
        $this->type = FastCGI::STDERR;
        $this->setContentData($contentData);
    }
}

class Stdin extends Record
{
    public function __construct(string $contentData)
    {
        $this->type = FastCGI::STDIN;
        $this->setContentData($contentData);
    }
}

class Stdout extends Record
{
    public function __construct(string $contentData)
    {
        $this->type = FastCGI::STDOUT;
        $this->setContentData($contentData);
    }
}

class UnknownType extends Record
{
    protected int $type1;

    protected string $reserved1;

    public function __construct(int $type, string $reserved = '')
    {
        $this->type = FastCGI::UNKNOWN_TYPE;
        $this->type1 = $type;
        $this->reserved1 = $reserved;
        $this->setContentData($this->packPayload());
    }

    public function getUnrecognizedType(): int
    {
        return $this->type1;
    }

    public static function unpackPayload(Record $self, string $binaryData): void
    {
        ['type' => $self->type1, 'reserved' => $self->reserved1] = unpack('Ctype/a7reserved', $binaryData);
    }

    protected function packPayload(): string
    {
        return pack('Ca7', $this->type1, $this->reserved1);
    }
}

namespace Swoole\FastCGI;

use Swoole\FastCGI;

/** Finds records in a stream of bytes. */
class FrameParser
{
    protected static array $classMapping = [
        FastCGI::BEGIN_REQUEST => Record\BeginRequest::class,
        FastCGI::ABORT_REQUEST => Record\AbortRequest::class,
        FastCGI::END_REQUEST => Record\EndRequest::class,
        FastCGI::PARAMS => Record\Params::class,
        FastCGI::STDIN => Record\Stdin::class,
        FastCGI::STDOUT => Record\Stdout::class,
        FastCGI::STDERR => Record\Stderr::class,
        FastCGI::DATA => Record\Data::class,
        FastCGI::GET_VALUES => Record\GetValues::class,
        FastCGI::GET_VALUES_RESULT => Record\GetValuesResult::class,
        FastCGI::UNKNOWN_TYPE => Record\UnknownType::class,
    ];

    public static function hasFrame(string $binaryBuffer): bool
    {
        if (strlen($binaryBuffer) < FastCGI::HEADER_LEN) {
            return false;
        }
        $head = unpack(FastCGI::HEADER_FORMAT, $binaryBuffer);
        return strlen($binaryBuffer) >= FastCGI::HEADER_LEN + $head['contentLength'] + $head['paddingLength'];
    }

    /** Takes the first record out of the buffer. */
    public static function parseFrame(string &$binaryBuffer): Record
    {
        if (!self::hasFrame($binaryBuffer)) {
            throw new \RuntimeException('the buffer has no complete record');
        }
        $head = unpack(FastCGI::HEADER_FORMAT, $binaryBuffer);
        $class = static::$classMapping[$head['type']] ?? throw new \DomainException("there is no record of type {$head['type']}");
        $length = FastCGI::HEADER_LEN + $head['contentLength'] + $head['paddingLength'];
        $record = $class::unpack(substr($binaryBuffer, 0, $length));
        $binaryBuffer = substr($binaryBuffer, $length);
        return $record;
    }
}
