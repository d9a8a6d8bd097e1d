<?php

/** `Swoosh\Grpc\ServerCall`: a call as its handler sees it, and the transports that it runs on. */

declare(strict_types=1);

namespace Swoosh\Grpc\Internal;

use Swoosh\Grpc\Exception;
use Swoosh\Grpc\Status;
use Swoosh\Http2\ServerStream;

/** Moves the bytes of one call. Its methods throw Exception if the client has given the call up. @internal */
interface Transport
{
    /** Method, path and header fields of the request. @return array{string, string, array<string, string|list<string>>} */
    public function request(): array;

    /** The next bytes of the request; an empty string at its end. */
    public function receive(): string;

    /** Sends the head of the response; it ends there if `$ends`. */
    public function head(int $status, array $fields, bool $ends = false): void;

    public function send(string $bytes): void;

    public function end(array $trailers): void;

    public function reset(int $error): void;

    /** Whether the client waits for the response. */
    public function isOpen(): bool;
}

/** On a stream of `Swoosh\Http2\ServerConnection`: both directions at once. @internal */
final class StreamTransport implements Transport
{
    private const ETIMEDOUT = 110;

    public function __construct(private ServerStream $stream)
    {
    }

    public function request(): array
    {
        return [$this->stream->method, $this->stream->path, $this->stream->headers];
    }

    public function receive(): string
    {
        $bytes = $this->stream->recv();
        return $bytes === false ? $this->fail() : $bytes;
    }

    public function head(int $status, array $fields, bool $ends = false): void
    {
        $this->stream->sendHead($status, $fields, $ends) || $this->fail();
    }

    public function send(string $bytes): void
    {
        $this->stream->write($bytes) || $this->fail();
    }

    public function end(array $trailers): void
    {
        $this->stream->end($trailers) || $this->fail();
    }

    public function reset(int $error): void
    {
        $this->stream->reset($error);
    }

    public function isOpen(): bool
    {
        return $this->stream->isOpen();
    }

    private function fail(): never
    {
        throw new Exception(Status::CANCELLED, $this->stream->resetCode === null ? 'the call was cancelled' : 'the client has cancelled the call');
    }
}

/** On a request of `Swoole\Http\Server`. With `open_grpc_protocol` its body arrives while the handler runs. @internal */
final class HttpTransport implements Transport
{
    /** The whole body, until it is taken; `null`: it arrives in parts. */
    private ?string $body = null;

    public function __construct(private \Swoole\Http\Request $request, private \Swoole\Http\Response $response)
    {
        if (!\Swoole\Internal\has_request_parts($request)) {
            $this->body = (string) $request->rawContent();
        }
    }

    public function request(): array
    {
        return [$this->request->server['request_method'], $this->request->server['request_uri'], $this->request->header ?? []];
    }

    public function receive(): string
    {
        if ($this->body === null) {
            $part = \Swoole\Internal\next_request_part($this->request);
            return is_string($part) ? $part : $this->fail($part === null ? 'the call was cancelled' : 'the client has cancelled the call');
        }
        $body = $this->body;
        $this->body = '';
        return $body;
    }

    public function head(int $status, array $fields, bool $ends = false): void
    {
        $this->response->status($status);
        foreach ($fields as $name => $value) {
            $this->response->header($name, $value);
        }
        if ($ends) {
            $this->response->end() || $this->fail();
        }
    }

    public function send(string $bytes): void
    {
        $this->response->write($bytes) || $this->fail();
    }

    public function end(array $trailers): void
    {
        foreach ($trailers as $name => $value) {
            $this->response->trailer($name, $value);
        }
        $this->response->end() || $this->fail();
    }

    public function reset(int $error): void
    {
        $this->response->close();
    }

    public function isOpen(): bool
    {
        return $this->response->isWritable() && \Swoole\Internal\is_awaited($this->response);
    }

    private function fail(string $cause = 'the client has cancelled the call'): never
    {
        throw new Exception(Status::CANCELLED, $cause);
    }
}

namespace Swoosh\Grpc;

use Swoole\Coroutine;
use Swoole\Timer;
use Swoosh\Grpc\Internal\Transport;

/** A call in progress. */
final class ServerCall
{
    private ?float $until = null;

    private ?int $timer = null;

    private bool $isHeadSent = false;

    /** The status that was sent, or that the call has by itself. */
    private ?Status $status = null;

    /** @var array<string, string|list<string>> */
    private array $trailers = [];

    private string $encoding = 'identity';

    /** A reply is being sent: it waits for the client. */
    private bool $isWriting = false;

    /** @internal */
    public function __construct(
        private Transport $transport,
        public readonly string $path,
        private array $headers,
        private Messages $messages,
        private mixed $type
    ) {
    }

    /** The next message; `null` after the last one. @throws Exception if the call has ended or the message is malformed */
    public function read(): mixed
    {
        while (true) {
            $this->check();
            $bytes = $this->messages->next();
            if ($bytes !== null) {
                try {
                    return Messages::deserialize($bytes, $this->type);
                } catch (\Exception $e) {
                    throw new Exception(Status::INTERNAL, 'the message cannot be read', [], $e);
                }
            }
            $received = $this->transport->receive();
            if ($received === '') {
                if ($this->messages->isIncomplete()) {
                    throw new Exception(Status::INTERNAL, 'the last message is incomplete');
                }
                return null;
            }
            $this->messages->add($received);
        }
    }

    /** Sends a reply, and waits until the client has room for it. @throws Exception if the call has ended */
    public function write(mixed $message): void
    {
        $this->check();
        $this->sendMetadata();
        $bytes = Messages::frame(Messages::serialize($message), $this->encoding);
        $this->isWriting = true;
        try {
            $this->transport->send($bytes);
        } catch (Exception $e) {
            // At the deadline, the stream is reset under the writer.
            $this->check();
            throw $e;
        } finally {
            $this->isWriting = false;
        }
    }

    /** The metadata of the request. @return array<string, list<string>> */
    public function metadata(): array
    {
        return Metadata::decode($this->headers);
    }

    /** Sends metadata before the first reply. Without effect once it was sent. @param array<string, string|list<string>> $metadata */
    public function sendMetadata(array $metadata = []): void
    {
        if ($this->isHeadSent) {
            return;
        }
        $fields = Metadata::encode($metadata) + ['content-type' => 'application/grpc'];
        if ($this->encoding !== 'identity') {
            $fields['grpc-encoding'] = $this->encoding;
        }
        $this->isHeadSent = true;
        $this->transport->head(200, $fields + ['grpc-accept-encoding' => Messages::accepted()]);
    }

    /** Metadata to send with the status. @param array<string, string|list<string>> $metadata */
    public function setTrailers(array $metadata): void
    {
        Metadata::encode($metadata);
        $this->trailers = $metadata;
    }

    /** Seconds until the deadline; `null` without one. */
    public function timeLeft(): ?float
    {
        return $this->until === null ? null : max(0.0, $this->until - microtime(true));
    }

    /** Whether the call has ended: its deadline has passed, or the client has left. */
    public function hasEnded(): bool
    {
        return $this->status !== null || !$this->transport->isOpen();
    }

    /** Compresses replies if the client accepts that. @internal */
    public function compress(string $encoding): void
    {
        $accepted = array_map(trim(...), explode(',', Metadata::field($this->headers, 'grpc-accept-encoding') ?? ''));
        if (in_array($encoding, $accepted, true)) {
            $this->encoding = $encoding;
        }
    }

    /** Ends the call at its deadline, and interrupts the coroutine of the handler. @internal */
    public function limit(float $seconds): void
    {
        $this->until = microtime(true) + $seconds;
        $handler = Coroutine::getCid();
        $this->timer = Timer::after(max(1, (int) ceil($seconds * 1000)), function () use ($handler): void {
            $this->timer = null;
            $this->finish(new Status(Status::DEADLINE_EXCEEDED, 'the deadline has passed'));
            Coroutine::cancel($handler);
        });
    }

    /** Sends the status. @internal */
    public function finish(Status $status): void
    {
        if ($this->timer !== null) {
            Timer::clear($this->timer);
            $this->timer = null;
        }
        if ($this->status !== null) {
            return;
        }
        $this->status = $status;
        if ($this->isWriting) {
            // No status can follow a part of a message.
            $this->transport->reset(SWOOLE_HTTP2_ERROR_CANCEL);
            return;
        }
        $fields = ['grpc-status' => (string) $status->code];
        if ($status->details !== '') {
            $fields['grpc-message'] = Metadata::encodeMessage($status->details);
        }
        $fields += Metadata::encode($status->metadata + $this->trailers);
        try {
            if ($this->isHeadSent) {
                $this->transport->end($fields);
            } else {
                $this->isHeadSent = true;
                $this->transport->head(200, ['content-type' => 'application/grpc'] + $fields, true);
            }
        } catch (Exception) {
            // The client has gone.
        }
    }

    /** @throws Exception if the call has ended */
    private function check(): void
    {
        if ($this->status !== null) {
            throw new Exception($this->status->code, $this->status->details);
        }
    }
}
