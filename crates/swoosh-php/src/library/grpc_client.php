<?php

/**
 * `Swoosh\Grpc\Client` and `Swoosh\Grpc\ClientCall`: calls of all four kinds on one HTTP/2 connection, which is made when it is
 * needed. Several coroutines may call at once; in one call, one may write while another reads.
 */

declare(strict_types=1);

namespace Swoosh\Grpc;

use Swoole\Coroutine\Channel;
use Swoole\Http2\Request;
use Swoosh\Grpc\Internal\Settings;
use Swoosh\Http2\Client as Connection;

final class Client
{
    private const NO_CONNECTION = 5001;

    /** How often a call is sent that the server has not looked at. */
    private const ATTEMPTS = 3;

    /** Settings that the connection does not have. */
    private const OWN = ['ssl' => 0, 'max_message_length' => 0, 'max_send_message_length' => 0, 'compression' => 0, 'metadata' => 0, 'authority' => 0];

    private ?Connection $connection = null;

    /** Coroutines that wait while another one connects. */
    private ?Channel $connecting = null;

    /**
     * Settings: `ssl`; `timeout`, the time limit of a call in seconds; `max_message_length`, the longest message that is
     * accepted, bytes (4 MiB); `max_send_message_length`; `compression`, the coding of sent messages: `gzip` or `deflate`;
     * `metadata` of every call; `authority`; and those of `Swoole\Coroutine\Http2\Client::set()`.
     *
     * @param array<string, mixed> $settings
     */
    public function __construct(private string $host, private int $port = 50051, private array $settings = [])
    {
        Settings::check('client', $settings);
    }

    /**
     * Sends one message and returns the reply.
     *
     * @param string $method `/package.Service/Method`
     * @param mixed $message bytes, or an object with `serializeToString()`
     * @param class-string|callable|null $reply the class of the reply; `null`: bytes
     * @param array<string, string|list<string>> $metadata
     * @param float|null $timeout seconds; 0: none; `null`: as the settings say
     * @throws Exception with the status as its code
     */
    public function unary(string $method, mixed $message, mixed $reply = null, array $metadata = [], ?float $timeout = null): mixed
    {
        $until = $this->until($timeout);
        for ($attempt = 1; ; $attempt++) {
            $call = $this->open($method, $reply, $metadata, $until, $message);
            try {
                return $call->reply();
            } catch (Exception $e) {
                if ($attempt === self::ATTEMPTS || !$call->wasRefused()) {
                    throw $e;
                }
            }
        }
    }

    /** Sends one message; the replies are read from the call. Parameters as in unary(). */
    public function serverStream(string $method, mixed $message, mixed $reply = null, array $metadata = [], ?float $timeout = null): ClientCall
    {
        return $this->open($method, $reply, $metadata, $this->until($timeout), $message);
    }

    /** A call to which messages are written, with one reply: `ClientCall::reply()`. Parameters as in unary(). */
    public function clientStream(string $method, mixed $reply = null, array $metadata = [], ?float $timeout = null): ClientCall
    {
        return $this->open($method, $reply, $metadata, $this->until($timeout));
    }

    /** A call to which messages are written and from which replies are read. Parameters as in unary(). */
    public function bidiStream(string $method, mixed $reply = null, array $metadata = [], ?float $timeout = null): ClientCall
    {
        return $this->open($method, $reply, $metadata, $this->until($timeout));
    }

    /** Ends the connection; calls that are open fail. */
    public function close(): void
    {
        $connection = $this->connection;
        $this->connection = null;
        $connection?->close();
    }

    private function until(?float $timeout): ?float
    {
        Settings::checkTimeout($timeout);
        $timeout ??= (float) ($this->settings['timeout'] ?? 0.0);
        return $timeout > 0 ? microtime(true) + $timeout : null;
    }

    private function open(string $method, mixed $reply, array $metadata, ?float $until, mixed $message = null): ClientCall
    {
        $encoding = $this->settings['compression'] ?? 'identity';
        $request = new Request();
        $request->method = 'POST';
        $request->path = $method;
        $request->usePipelineRead = true;
        $request->pipeline = $message === null;
        $headers = Metadata::encode($metadata + ($this->settings['metadata'] ?? [])) + [
            'content-type' => 'application/grpc+proto',
            'te' => 'trailers',
            'grpc-accept-encoding' => Messages::accepted(),
            'user-agent' => 'grpc-php-swoosh',
        ];
        if ($encoding !== 'identity') {
            $headers['grpc-encoding'] = $encoding;
        }
        if (isset($this->settings['authority'])) {
            $headers['host'] = $this->settings['authority'];
        }
        $sendLimit = (int) ($this->settings['max_send_message_length'] ?? PHP_INT_MAX);
        if ($message !== null) {
            $request->data = ClientCall::encode($message, $encoding, $sendLimit);
        }
        for ($attempt = 1; ; $attempt++) {
            $connection = $this->connect($until);
            if ($until !== null) {
                $headers['grpc-timeout'] = Metadata::encodeTimeout($until - microtime(true));
            }
            $request->headers = $headers;
            $id = $connection->send($request, self::left($until));
            if ($id !== false) {
                $limit = (int) ($this->settings['max_message_length'] ?? Messages::MAX_LENGTH);
                return new ClientCall($connection, $id, new Messages($limit), $reply, $until, $message === null, $encoding, $sendLimit);
            }
            if ($connection->errCode !== self::NO_CONNECTION) {
                throw ClientCall::failure($connection->errCode, $connection->errMsg);
            }
            // The server takes no calls on this connection any more; calls that it has are completed there.
            if ($this->connection === $connection) {
                $this->connection = null;
            }
            if ($attempt === self::ATTEMPTS) {
                throw new Exception(Status::UNAVAILABLE, $connection->errMsg);
            }
        }
    }

    private function connect(?float $until): Connection
    {
        while ($this->connection === null) {
            if ($this->connecting !== null) {
                if ($this->connecting->pop(self::left($until)) === false && $until !== null && microtime(true) >= $until) {
                    throw new Exception(Status::DEADLINE_EXCEEDED, 'the deadline has passed before a connection was made');
                }
                continue;
            }
            $barrier = $this->connecting = new Channel(1);
            try {
                $connection = new Connection($this->host, $this->port, (bool) ($this->settings['ssl'] ?? false));
                $limit = (float) ($this->settings['connect_timeout'] ?? 5.0);
                $settings = ['timeout' => -1, 'connect_timeout' => $until === null ? $limit : max(0.001, min($limit, $until - microtime(true))), 'body_decompression' => false];
                $connection->set($settings + array_diff_key($this->settings, self::OWN));
                if (!$connection->connect()) {
                    $isLate = $until !== null && microtime(true) >= $until;
                    throw new Exception($isLate ? Status::DEADLINE_EXCEEDED : Status::UNAVAILABLE, $connection->errMsg);
                }
                $this->connection = $connection;
            } finally {
                $this->connecting = null;
                $barrier->close();
            }
        }
        return $this->connection;
    }

    private static function left(?float $until): float
    {
        return $until === null ? -1.0 : max(0.001, $until - microtime(true));
    }
}

/** A call in progress. It is cancelled if it is dropped before it has ended. */
final class ClientCall implements \IteratorAggregate
{
    private const ECANCELED = 125;
    private const ETIMEDOUT = 110;

    private ?Status $status = null;

    /** @var array<string, list<string>>|null The metadata before the first message; `null` until it arrives. */
    private ?array $headers = null;

    private bool $refused = false;

    /** The whole response has arrived, with this status once its messages are read. */
    private ?Status $arrived = null;

    /** @internal */
    public function __construct(
        private Connection $connection,
        private int $streamId,
        private Messages $messages,
        private mixed $reply,
        private ?float $until,
        private bool $isOpen,
        private string $encoding,
        private int $sendLimit
    ) {
    }

    /** Sends a message, and waits until the server's window has room for it. @throws Exception if the call has ended */
    public function write(mixed $message): void
    {
        $this->send(self::encode($message, $this->encoding, $this->sendLimit), false);
    }

    /** Tells the server that no message follows. */
    public function writesDone(): void
    {
        if ($this->isOpen && $this->status === null) {
            $this->send('', true);
        }
    }

    /** The next reply; `null` after the last one. @throws Exception if the status is not `OK` */
    public function read(): mixed
    {
        while ($this->status === null) {
            try {
                $bytes = $this->messages->next();
                if ($bytes !== null) {
                    return Messages::deserialize($bytes, $this->reply);
                }
            } catch (Exception $e) {
                $this->end(new Status($e->getCode(), $e->getMessage()), true);
                break;
            } catch (\Throwable $e) {
                $this->end(new Status(Status::INTERNAL, "the reply cannot be read: {$e->getMessage()}"), true);
                break;
            }
            if ($this->arrived !== null) {
                $isCut = $this->arrived->code === Status::OK && $this->messages->isIncomplete();
                $this->end($isCut ? new Status(Status::INTERNAL, 'the last message is incomplete') : $this->arrived);
                break;
            }
            $this->receive();
        }
        $this->check();
        return null;
    }

    /** The replies in order. @throws Exception as read() */
    public function getIterator(): \Generator
    {
        while (($message = $this->read()) !== null) {
            yield $message;
        }
    }

    /** Ends the request and returns its only reply. @throws Exception if the status is not `OK` or there is not one reply */
    public function reply(): mixed
    {
        try {
            $this->writesDone();
        } catch (Exception) {
            // read() has the status.
        }
        $reply = $this->read();
        if ($reply === null) {
            throw new Exception(Status::INTERNAL, 'the call has ended without a reply');
        }
        if ($this->read() !== null) {
            $this->end(new Status(Status::INTERNAL, 'there is more than one reply'), true);
            $this->check();
        }
        return $reply;
    }

    /** The metadata that the server has sent before its first reply. @return array<string, list<string>> */
    public function metadata(): array
    {
        while ($this->headers === null && $this->status === null) {
            $this->receive();
            if ($this->arrived !== null) {
                break;
            }
        }
        return $this->headers ?? [];
    }

    /** How the call has ended; replies that were not read are skipped. */
    public function status(): Status
    {
        try {
            while ($this->read() !== null);
        } catch (Exception) {
        }
        return $this->status;
    }

    /** Ends the call with `CANCELLED`. */
    public function cancel(): void
    {
        if ($this->status === null) {
            $this->end(new Status(Status::CANCELLED, 'the call was cancelled'), true);
        }
    }

    /** The address of the server. */
    public function peer(): string
    {
        return "{$this->connection->host}:{$this->connection->port}";
    }

    /** Whether the server has not looked at the call, so that it can be sent again. @internal */
    public function wasRefused(): bool
    {
        return $this->refused;
    }

    public function __destruct()
    {
        $this->cancel();
    }

    /** A message as it is sent. @internal */
    public static function encode(mixed $message, string $encoding, int $limit): string
    {
        $bytes = Messages::serialize($message);
        if (strlen($bytes) > $limit) {
            throw new Exception(Status::RESOURCE_EXHAUSTED, 'a message has ' . strlen($bytes) . " bytes, more than $limit");
        }
        return Messages::frame($bytes, $encoding);
    }

    /** The error of a failed operation of the connection. @internal */
    public static function failure(int $code, string $message): Exception
    {
        return match ($code) {
            self::ETIMEDOUT => new Exception(Status::DEADLINE_EXCEEDED, 'the deadline has passed'),
            self::ECANCELED => new Exception(Status::CANCELLED, $message),
            default => new Exception(Status::UNAVAILABLE, $message),
        };
    }

    private function send(string $bytes, bool $ends): void
    {
        $this->check();
        if (!$this->isOpen) {
            throw new \LogicException('the request of this call has ended');
        }
        if ($ends) {
            $this->isOpen = false;
        }
        if ($this->arrived !== null) {
            throw new Exception(Status::UNAVAILABLE, 'the server has ended the call');
        }
        if ($this->connection->write($this->streamId, $bytes, $ends, $this->left())) {
            return;
        }
        $code = $this->connection->errCode;
        if ($this->status === null && $code === self::ETIMEDOUT) {
            $this->end(new Status(Status::DEADLINE_EXCEEDED, 'the deadline has passed'));
        } elseif ($this->status === null && $code === self::ECANCELED) {
            $this->end(new Status(Status::CANCELLED, 'the call was cancelled'), true);
        }
        $this->check();
        // The server has ended the call: read() has its status.
        throw new Exception(Status::UNAVAILABLE, 'the server has ended the call');
    }

    /** Waits for the next part of the response. */
    private function receive(): void
    {
        $part = $this->connection->recvStream($this->streamId, $this->left());
        if ($this->status !== null) {
            return;
        }
        if ($part === false) {
            $failure = self::failure($this->connection->errCode, $this->connection->errMsg);
            $this->end(new Status($failure->getCode(), $failure->getMessage()), true);
            return;
        }
        if ($this->headers === null && $part->statusCode > 0) {
            $this->begin($part);
        }
        if ($part->data !== null && $this->arrived === null) {
            $this->messages->add($part->data);
        }
        if ($part->errCode !== 0) {
            $this->refused = $part->errCode === SWOOLE_HTTP2_ERROR_REFUSED_STREAM;
            $isLate = $this->until !== null && microtime(true) >= $this->until;
            $code = $isLate ? Status::DEADLINE_EXCEEDED : Status::ofReset($part->errCode);
            $details = "the server has reset the stream: error $part->errCode";
            if (!$this->connection->recvStream($this->streamId) && $this->connection->errCode !== self::ECANCELED) {
                // The stream has ended with its connection.
                [$code, $details] = [Status::UNAVAILABLE, $this->connection->errMsg];
            }
            $this->end(new Status($code, $details));
        } elseif (!$part->pipeline) {
            $this->arrived ??= self::statusOf($part->trailers ?: $part->headers);
        }
    }

    private function begin(\Swoole\Http2\Response $part): void
    {
        $this->headers = Metadata::decode($part->headers);
        $type = Metadata::field($part->headers, 'content-type') ?? '';
        if (isset($part->headers['grpc-status'])) {
            $this->arrived = self::statusOf($part->headers);
        } elseif ($part->statusCode !== 200 || !preg_match('~^application/grpc(?![a-z-])~i', $type)) {
            $code = $part->statusCode === 200 ? Status::UNKNOWN : Status::ofHttpStatus($part->statusCode);
            $this->end(new Status($code, "the response is not one of gRPC: status $part->statusCode, content type '$type'"), true);
        } else {
            $encoding = Metadata::field($part->headers, 'grpc-encoding') ?? 'identity';
            if (Messages::knows($encoding)) {
                $this->messages->setEncoding($encoding);
            } else {
                $this->end(new Status(Status::INTERNAL, "messages are compressed as '$encoding', which is not known"), true);
            }
        }
    }

    private static function statusOf(array $fields): Status
    {
        $code = Metadata::field($fields, 'grpc-status');
        if ($code === null) {
            return new Status(Status::UNKNOWN, 'the server has sent no status', Metadata::decode($fields));
        }
        $details = Metadata::decodeMessage(Metadata::field($fields, 'grpc-message') ?? '');
        return new Status(preg_match('/^[0-9]{1,9}$/D', $code) ? (int) $code : Status::UNKNOWN, $details, Metadata::decode($fields));
    }

    private function end(Status $status, bool $resets = false): void
    {
        $this->status = $status;
        if ($resets) {
            $this->connection->reset($this->streamId);
        }
    }

    /** @throws Exception if the call has ended with another status than `OK` */
    private function check(): void
    {
        if ($this->status !== null && $this->status->code !== Status::OK) {
            throw new Exception($this->status->code, $this->status->details, $this->status->metadata);
        }
    }

    private function left(): float
    {
        return $this->until === null ? -1.0 : max(0.001, $this->until - microtime(true));
    }
}
