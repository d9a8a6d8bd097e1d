<?php

declare(strict_types=1);

/** The options of the library. */
class SwooleLibrary
{
    public static array $options = [];

    public static bool $remote_object_server_initiated = false;

    public static string $remote_object_server_socket_file = '';
}
