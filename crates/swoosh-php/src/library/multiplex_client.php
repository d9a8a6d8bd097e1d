<?php

/**
 * `Swoole\Coroutine\Http2\MultiplexClient`: requests of many coroutines on one HTTP/2 connection, which is made when it is
 * needed and closed when it is idle.
 *
 * Invariant: while `$recvLoopToken` is set, one coroutine takes every response from the connection and hands it to the request
 * that waits on the channel of its stream.
 */

declare(strict_types=1);

namespace Swoole\Coroutine\Http2;

use Swoole\Coroutine;
use Swoole\Coroutine\Channel;
use Swoole\Http2\Request;
use Swoole\Http2\Response;

class MultiplexClient extends Client
{
    /** Seconds between two checks whether the connection is idle; the setting `heartbeat_check_interval`. */
    public const DEFAULT_HEARTBEAT_CHECK_INTERVAL = 3;

    /** Seconds without a request after which the connection is closed; the setting `heartbeat_idle_time`, 0: never. */
    public const DEFAULT_HEARTBEAT_IDLE_TIME = 10;

    private const ECANCELED = 125;
    private const ETIMEDOUT = 110;
    private const NO_CONNECTION = 5001;
    private const REFUSED_STREAM = 7;
    private const NOT_SUPPORTED = 507;

    /** How often a request is sent that the server has not looked at, because it was closing the connection. */
    private const ATTEMPTS = 3;

    /** Identifies the coroutine that receives; `null` without a connection. */
    protected ?object $recvLoopToken = null;

    /** Interrupts the sleep of the idle checker. */
    protected ?Channel $sleepChannel = null;

    /** Coroutines that wait while another one connects. */
    protected ?Channel $startupBarrier = null;

    /** @var array<int, Channel> Where requests wait for their responses, by stream. */
    protected array $streamChannels = [];

    /** @var array<int, true> Streams whose request does not wait any more. */
    protected array $abandonedStreams = [];

    protected bool $heartbeatCheckerRunning = false;

    protected int $pendingRequests = 0;

    protected float $lastActiveTime = 0.0;

    /** Requests that are being sent, whose stream is not known yet. */
    private int $sending = 0;

    /** Closed at the end of the present connection. */
    private ?Channel $ended = null;

    /** The connection takes no new requests, and is closed after its last response. */
    private bool $leaving = false;

    /** @var array{int, string} Why the last connection has ended. */
    private array $failure = [self::ECANCELED, 'the connection was closed'];

    /**
     * Sends a request and waits for its response, at most `$timeout` seconds; 0: as long as the setting `timeout` says, a
     * negative number: without limit.
     */
    public function request(Request $request, float $timeout = -1.0): Response|false
    {
        if ($request->pipeline || $request->usePipelineRead) {
            $this->setError(self::NOT_SUPPORTED, 'a request of a multiplexed connection is sent and answered whole');
            return false;
        }
        if ($timeout === 0.0) {
            $timeout = (float) ($this->setting['read_timeout'] ?? $this->setting['timeout'] ?? -1.0);
        }
        $until = $timeout > 0 ? microtime(true) + $timeout : null;
        $this->pendingRequests++;
        try {
            for ($attempt = 1; ; $attempt++) {
                $response = $this->attempt($request, $until, $attempt === self::ATTEMPTS);
                if ($response !== null) {
                    return $response;
                }
            }
        } finally {
            $this->pendingRequests--;
            $this->lastActiveTime = microtime(true);
            if ($this->leaving && $this->pendingRequests === 0) {
                $this->close();
            }
        }
    }

    /** Closes the connection. Requests that wait fail; the next one connects again. */
    public function close(): bool
    {
        $wasConnected = $this->connected;
        $this->failure = [self::ECANCELED, 'the connection was closed'];
        $this->recvLoopToken = null;
        // Returns false if a coroutine was receiving.
        $closed = parent::close();
        $this->flushStreamChannels();
        $this->sleepChannel?->close();
        return $wasConnected || $closed;
    }

    /** Not supported: responses are those of request(). */
    public function recv(float $timeout = 0.0): Response|false
    {
        $this->setError(self::NOT_SUPPORTED, 'responses on a multiplexed connection are returned by request()');
        return false;
    }

    /** Not supported: responses are those of request(). */
    public function read(float $timeout = 0.0): Response|false
    {
        return $this->recv($timeout);
    }

    /** Not supported: request() sends whole requests. */
    public function write(int $stream_id, mixed $data, bool $end_stream = false): bool
    {
        $this->setError(self::NOT_SUPPORTED, 'requests on a multiplexed connection are sent by request()');
        return false;
    }

    /** Announces the end of the connection, which is closed after the responses that are due. */
    public function goaway(int $error_code = SWOOLE_HTTP2_ERROR_NO_ERROR, string $debug_data = ''): bool
    {
        if (!parent::goaway($error_code, $debug_data)) {
            return false;
        }
        if ($this->pendingRequests === 0) {
            $this->close();
        } else {
            $this->leaving = true;
        }
        return true;
    }

    /** The channel on which the response of a stream arrives. */
    protected function openStreamChannel(int $streamId): Channel
    {
        return $this->streamChannels[$streamId] ??= new Channel(1);
    }

    protected function closeStreamChannel(int $streamId): void
    {
        $channel = $this->streamChannels[$streamId] ?? null;
        unset($this->streamChannels[$streamId]);
        $channel?->close();
    }

    /** Ends every wait for a response. */
    protected function flushStreamChannels(): void
    {
        $this->abandonedStreams = [];
        $this->leaving = false;
        foreach (array_keys($this->streamChannels) as $streamId) {
            $this->closeStreamChannel($streamId);
        }
        $this->ended?->close();
        $this->ended = null;
    }

    /** Connects, after closing the connection if there is one. */
    protected function reconnect(): bool
    {
        if ($this->connected) {
            parent::close();
        }
        return $this->connect();
    }

    /** Connects if there is no connection, and starts the coroutine that receives. */
    protected function ensureRecvLoop(): bool
    {
        while ($this->recvLoopToken === null) {
            if ($this->startupBarrier !== null) {
                $this->startupBarrier->pop();
                if ($this->recvLoopToken === null && $this->startupBarrier === null) {
                    // The other coroutine has failed; its error is set.
                    return false;
                }
                continue;
            }
            $barrier = $this->startupBarrier = new Channel(1);
            try {
                if (!$this->reconnect()) {
                    return false;
                }
                $this->ended = new Channel(1);
                $this->lastActiveTime = microtime(true);
                $token = $this->recvLoopToken = new \stdClass();
                Coroutine::create(fn () => $this->recvLoop($token));
                $this->ensureHeartbeatChecker();
            } finally {
                $this->startupBarrier = null;
                $barrier->close();
            }
        }
        return true;
    }

    /** Hands responses to the requests that wait for them, until the connection ends. */
    protected function recvLoop(object $token): void
    {
        while ($this->recvLoopToken === $token) {
            $response = parent::recv(-1);
            if ($this->recvLoopToken !== $token) {
                return;
            }
            if ($response === false) {
                $this->failure = [$this->errCode, $this->errMsg];
                $this->recvLoopToken = null;
                if ($this->connected) {
                    parent::close();
                }
                $this->flushStreamChannels();
                $this->sleepChannel?->close();
                return;
            }
            $streamId = $response->streamId;
            if (isset($this->abandonedStreams[$streamId])) {
                unset($this->abandonedStreams[$streamId]);
            } elseif (isset($this->streamChannels[$streamId]) || $this->sending > 0) {
                // A response may arrive before the request's send() returns.
                $this->openStreamChannel($streamId)->push($response);
            }
        }
    }

    /** Starts the coroutine that closes the connection when it is idle. */
    protected function ensureHeartbeatChecker(): void
    {
        $idle = (float) ($this->setting['heartbeat_idle_time'] ?? self::DEFAULT_HEARTBEAT_IDLE_TIME);
        $interval = (float) ($this->setting['heartbeat_check_interval'] ?? self::DEFAULT_HEARTBEAT_CHECK_INTERVAL);
        if ($this->heartbeatCheckerRunning || $idle <= 0 || $interval <= 0) {
            return;
        }
        $this->heartbeatCheckerRunning = true;
        Coroutine::create(function () use ($idle, $interval): void {
            try {
                while ($this->recvLoopToken !== null) {
                    $this->interruptibleSleep($interval);
                    $isIdle = $this->pendingRequests === 0 && microtime(true) - $this->lastActiveTime >= $idle;
                    if ($isIdle && $this->recvLoopToken !== null) {
                        $this->close();
                    }
                }
            } finally {
                $this->heartbeatCheckerRunning = false;
            }
        });
    }

    protected function setError(int $errCode, string $errMsg): void
    {
        $this->errCode = $errCode;
        $this->errMsg = $errMsg;
    }

    /** Sleeps, unless the connection is closed meanwhile. */
    protected function interruptibleSleep(float $seconds): void
    {
        $channel = $this->sleepChannel = new Channel(1);
        $channel->pop($seconds);
        if ($this->sleepChannel === $channel) {
            $this->sleepChannel = null;
        }
    }

    /** Sends a request and waits for its response; `null` if the server has not looked at it and it is to be sent again. */
    private function attempt(Request $request, ?float $until, bool $isLast): Response|false|null
    {
        if ($this->leaving && !$this->awaitEnd($until)) {
            return false;
        }
        if (!$this->ensureRecvLoop()) {
            return false;
        }
        $token = $this->recvLoopToken;
        $this->sending++;
        try {
            $streamId = $this->send($request);
        } finally {
            $this->sending--;
        }
        if ($streamId === false) {
            // The server is closing the connection: it answers the requests that it has, and takes no others.
            return !$isLast && $this->errCode === self::NO_CONNECTION && $this->awaitEnd($until) ? null : false;
        }
        if ($this->recvLoopToken !== $token) {
            $this->setError(...$this->failure);
            return false;
        }
        $channel = $this->openStreamChannel($streamId);
        $response = $until === null ? $channel->pop() : $channel->pop(max(0.001, $until - microtime(true)));
        $isOpen = ($this->streamChannels[$streamId] ?? null) === $channel;
        if ($isOpen) {
            $this->closeStreamChannel($streamId);
        }
        if ($response === false) {
            if ($isOpen) {
                $this->abandonedStreams[$streamId] = true;
            }
            match ($channel->errCode) {
                SWOOLE_CHANNEL_TIMEOUT => $this->setError(self::ETIMEDOUT, 'no response has arrived in time'),
                SWOOLE_CHANNEL_CANCELED => $this->setError(self::ECANCELED, 'the wait for the response was cancelled'),
                default => $this->setError(...$this->failure),
            };
            return false;
        }
        return $response->errCode === self::REFUSED_STREAM && !$isLast ? null : $response;
    }

    /** Waits for the end of a connection that takes no more requests; false if the time is up first. */
    private function awaitEnd(?float $until): bool
    {
        if (($ended = $this->ended) === null) {
            return true;
        }
        $until === null ? $ended->pop() : $ended->pop(max(0.001, $until - microtime(true)));
        if ($ended->errCode === SWOOLE_CHANNEL_CLOSED) {
            return true;
        }
        $this->setError(self::ETIMEDOUT, 'the server is closing the connection');
        return false;
    }
}
