<?php

declare(strict_types=1);

namespace Swoole\Database;

class DetectsLostConnections
{
    /** Parts of the messages with which drivers report that the connection is gone. */
    private const ERROR_MESSAGES = [
        'server has gone away',
        'no connection to the server',
        'Lost connection',
        'is dead or not enabled',
        'Error while sending',
        'decryption failed or bad record mac',
        'server closed the connection unexpectedly',
        'SSL connection has been closed unexpectedly',
        'Error writing data to the connection',
        'Resource deadlock avoided',
        'Transaction() on null',
        'child connection forced to terminate due to client_idle_limit',
        'query_wait_timeout',
        'reset by peer',
        'Physical connection is not usable',
        'TCP Provider: Error code 0x68',
        'TCP Provider: Error code 0x274C',
        'ORA-03114',
        'Packets out of order. Expected',
        'Adaptive Server connection failed',
        'Communication link failure',
        'connection is no longer usable',
        'Login timeout expired',
        'SQLSTATE[HY000] [2002]',
        'running with the --read-only option so it cannot execute this statement',
        'SSL SYSCALL error',
        'SSL: Connection timed out',
        'SSL: Broken pipe',
        'SSL: Operation timed out',
        'SSL: Handshake timed out',
        'The last transaction was aborted due to Seamless Scaling',
        'Temporary failure in name resolution',
        'could not connect to server: Connection refused',
        'could not translate host name',
        'See wait_timeout and interactive_timeout for configuring this behavior',
        'Server is in script upgrade mode',
        'Unknown $curl_error_code: 77',
        'sslv3 alert unexpected message',
        'SQLSTATE[HY000]: General error: 3989',
        'went away',
        'Broken pipe',
        'server is shutting down',
    ];

    public static function causedByLostConnection(\Throwable $e): bool
    {
        // A cancelled wait ends the connection on purpose: the statement may have had its effect, and nobody waits for it.
        if (\Swoole\Coroutine::getCid() > 0 && \Swoole\Coroutine::isCanceled()) {
            return false;
        }
        $message = $e->getMessage();
        foreach (self::ERROR_MESSAGES as $part) {
            if (str_contains($message, $part)) {
                return true;
            }
        }
        return false;
    }
}
