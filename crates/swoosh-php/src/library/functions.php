<?php

/** The functions of the library, called by the extension's functions of these names. */

declare(strict_types=1);

namespace Swoole\Internal;

final class Functions
{
    public static function swoole_library_set_options(array $options): void
    {
        \SwooleLibrary::$options = $options;
    }

    public static function swoole_library_get_options(): array
    {
        return \SwooleLibrary::$options;
    }

    public static function swoole_library_set_option(string $key, mixed $value): void
    {
        \SwooleLibrary::$options[$key] = $value;
    }

    public static function swoole_library_get_option(string $key): mixed
    {
        return \SwooleLibrary::$options[$key] ?? null;
    }
}
