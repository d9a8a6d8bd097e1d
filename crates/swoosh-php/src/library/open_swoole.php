<?php

/** What OpenSwoole has under names of its own; needs the INI setting `swoole.openswoole_names`. */

declare(strict_types=1);

namespace Swoole\Internal;

class OpenSwooleConstant extends \Swoole\Constant
{
    public const SOCK_TCP = SWOOLE_SOCK_TCP;

    public const SOCK_TCP6 = SWOOLE_SOCK_TCP6;

    public const SOCK_UDP = SWOOLE_SOCK_UDP;

    public const SOCK_UDP6 = SWOOLE_SOCK_UDP6;

    public const SOCK_UNIX_STREAM = SWOOLE_SOCK_UNIX_STREAM;

    public const SOCK_UNIX_DGRAM = SWOOLE_SOCK_UNIX_DGRAM;

    public const SSL = SWOOLE_SSL;

    public const KEEP = SWOOLE_KEEP;

    public const LOG_DEBUG = SWOOLE_LOG_DEBUG;

    public const LOG_INFO = SWOOLE_LOG_INFO;

    public const LOG_WARNING = SWOOLE_LOG_WARNING;

    public const LOG_ERROR = SWOOLE_LOG_ERROR;

    public const LOG_NONE = SWOOLE_LOG_NONE;
}

class OpenSwooleUtil
{
    public static function getCPUNum(): int
    {
        return swoole_cpu_num();
    }

    public static function getVersion(): string
    {
        return SWOOLE_VERSION;
    }

    public static function getLocalIp(): array
    {
        return swoole_get_local_ip() ?: [];
    }

    public static function getLastErrorCode(): int
    {
        return swoole_last_error();
    }

    public static function strerror(int $code, int $type = SWOOLE_STRERROR_SYSTEM): string
    {
        return swoole_strerror($code, $type);
    }

    public static function setProcessName(string $name): void
    {
        swoole_set_process_name($name);
    }

    public static function hashcode(string $data, int $type = 0): int|false
    {
        return swoole_hashcode($data, $type);
    }

    public static function mimeTypeGet(string $filename): string
    {
        return swoole_mime_type_get($filename);
    }
}
