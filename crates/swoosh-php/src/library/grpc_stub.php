<?php

/**
 * `Swoosh\Grpc\BaseStub`: a base class for clients that `grpc_php_plugin` has generated. They extend `Grpc\BaseStub` of the
 * package grpc/grpc, which needs the extension `grpc`; with `class_alias(Swoosh\Grpc\BaseStub::class, 'Grpc\BaseStub')` they run here.
 */

declare(strict_types=1);

namespace Swoosh\Grpc;

class BaseStub
{
    private Client $client;

    /**
     * @param string $hostname `host:port`
     * @param array<string, mixed> $opts settings of `Swoosh\Grpc\Client`; `credentials` is `null`; `update_metadata` is called with the
     *     metadata of each call
     */
    public function __construct(string $hostname, private array $opts = [], ?Client $channel = null)
    {
        $colon = strrpos($hostname, ':');
        $port = $colon === false ? 443 : (int) substr($hostname, $colon + 1);
        $host = trim($colon === false ? $hostname : substr($hostname, 0, $colon), '[]');
        $settings = array_diff_key($opts, ['credentials' => 0, 'update_metadata' => 0]);
        if (isset($opts['grpc.max_receive_message_length'])) {
            $settings['max_message_length'] = $opts['grpc.max_receive_message_length'];
        }
        $this->client = $channel ?? new Client($host, $port, $settings);
    }

    public function close(): void
    {
        $this->client->close();
    }

    protected function _simpleRequest($method, $argument, $deserialize, array $metadata = [], array $options = []): StubCall
    {
        return $this->start('serverStream', $deserialize, $metadata, $options, $method, $argument);
    }

    protected function _clientStreamRequest($method, $deserialize, array $metadata = [], array $options = []): StubCall
    {
        return $this->start('clientStream', $deserialize, $metadata, $options, $method);
    }

    protected function _serverStreamRequest($method, $argument, $deserialize, array $metadata = [], array $options = []): StubCall
    {
        return $this->start('serverStream', $deserialize, $metadata, $options, $method, $argument);
    }

    protected function _bidiRequest($method, $deserialize, array $metadata = [], array $options = []): StubCall
    {
        return $this->start('bidiStream', $deserialize, $metadata, $options, $method);
    }

    private function start(string $kind, mixed $deserialize, array $metadata, array $options, string $method, mixed ...$argument): StubCall
    {
        if (isset($this->opts['update_metadata'])) {
            $metadata = ($this->opts['update_metadata'])($metadata, $method);
        }
        // Microseconds.
        $timeout = isset($options['timeout']) ? $options['timeout'] / 1e6 : null;
        try {
            return new StubCall($this->client->$kind($method, ...$argument, reply: $deserialize, metadata: $metadata, timeout: $timeout));
        } catch (Exception $e) {
            return new StubCall(null, new Status($e->getCode(), $e->getMessage()));
        }
    }
}

/** A call of a generated client, with the methods of all kinds of calls of the package grpc/grpc. No method throws a status. */
final class StubCall
{
    /** @internal */
    public function __construct(private ?ClientCall $call, private ?Status $failure = null)
    {
    }

    /** The only reply (`null` without one) and the status. @return array{mixed, \stdClass} */
    public function wait(): array
    {
        $reply = null;
        try {
            $reply = $this->call?->reply();
        } catch (Exception $e) {
            $this->failure ??= new Status($e->getCode(), $e->getMessage(), $e->getMetadata());
        }
        return [$reply, $this->getStatus()];
    }

    public function write(mixed $data, array $options = []): void
    {
        try {
            $this->call?->write($data);
        } catch (Exception) {
            // The status is that of the call.
        }
    }

    public function writesDone(): void
    {
        try {
            $this->call?->writesDone();
        } catch (Exception) {
        }
    }

    /** The next reply; `null` after the last one. */
    public function read(): mixed
    {
        try {
            return $this->call?->read();
        } catch (Exception) {
            return null;
        }
    }

    public function responses(): \Generator
    {
        while (($reply = $this->read()) !== null) {
            yield $reply;
        }
    }

    /** An object with `code`, `details` and `metadata`. */
    public function getStatus(): \stdClass
    {
        $status = $this->failure ?? $this->call->status();
        return (object) ['code' => $status->code, 'details' => $status->details, 'metadata' => $status->metadata];
    }

    public function getMetadata(): array
    {
        return $this->call?->metadata() ?? [];
    }

    public function getTrailingMetadata(): array
    {
        return $this->getStatus()->metadata;
    }

    public function getPeer(): string
    {
        return $this->call?->peer() ?? '';
    }

    public function cancel(): void
    {
        $this->call?->cancel();
    }
}
