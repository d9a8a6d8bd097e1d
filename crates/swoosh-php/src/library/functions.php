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

    /** The directory of the default server's socket, which other users cannot enter. */
    public static function swoole_get_default_remote_object_server_dir(): string
    {
        return sys_get_temp_dir() . '/swoole-remote-object-' . getmyuid();
    }

    /** Starts the default server in a process of its own, which ends with this one. Call it before the first coroutine. */
    public static function swoole_init_default_remote_object_server(): void
    {
        if (\SwooleLibrary::$remote_object_server_initiated) {
            return;
        }
        $directory = self::swoole_get_default_remote_object_server_dir();
        if (!is_dir($directory) && !mkdir($directory, 0700, true) && !is_dir($directory)) {
            throw new \RuntimeException("the directory {$directory} cannot be made");
        }
        if (fileowner($directory) !== getmyuid() || (fileperms($directory) & 0077) !== 0) {
            throw new \RuntimeException("the directory {$directory} belongs to another user, or others can enter it");
        }
        $socket = "{$directory}/" . getmypid() . '.sock';
        $parent = getmypid();
        $process = new \Swoole\Process(function () use ($socket, $parent): void {
            $options = ['log_level' => SWOOLE_LOG_ERROR] + (\SwooleLibrary::$options['remote_object_server'] ?? []);
            // The program's output is its own.
            $server = new class($socket, 0, $options) extends \Swoole\RemoteObject\Server {
                public function onStart(): void {}
            };
            \Swoole\Timer::tick(1000, function () use ($parent): void {
                if (!\Swoole\Process::kill($parent, 0)) {
                    \Swoole\Process::kill(getmypid(), SIGTERM);
                }
            });
            $server->start();
        }, false, 0);
        $process->start();
        register_shutdown_function(function () use ($process, $parent, $socket): void {
            if (getmypid() === $parent) {
                \Swoole\Process::kill($process->pid, SIGTERM);
                @unlink($socket);
            }
        });
        \SwooleLibrary::$remote_object_server_initiated = true;
        \SwooleLibrary::$remote_object_server_socket_file = $socket;
    }

    /** A client of the default server. */
    public static function swoole_get_default_remote_object_client(): \Swoole\RemoteObject\Client
    {
        static $client = null;
        if ($client === null) {
            self::swoole_init_default_remote_object_server();
            $client = new \Swoole\RemoteObject\Client('unix:' . \SwooleLibrary::$remote_object_server_socket_file, 0);
            for ($attempts = 0; !$client->ping(); $attempts++) {
                if ($attempts > 500) {
                    throw new \Swoole\RemoteObject\Exception('the default server does not start');
                }
                \Swoole\Coroutine::getCid() > 0 ? \Swoole\Coroutine::sleep(0.01) : usleep(10000);
            }
        }
        return $client;
    }

    /** Sends a mail by the SMTP server of the library's option `mail` (host, port, user, password, from, ssl). */
    public static function swoole_mail(string $to, string $subject, string $message, array $headers = []): bool
    {
        return (new Mail(\SwooleLibrary::$options['mail'] ?? []))->send($to, $subject, $message, $headers);
    }

    /** The mail hosts of a name, without references. */
    public static function swoole_real_getmxrr(string $hostname, ?array $hosts = null, ?array $weights = null): array
    {
        $hosts = $weights = [];
        $result = swoole_getmxrr($hostname, $hosts, $weights);
        return ['result' => $result, 'hosts' => $hosts, 'weights' => $weights];
    }

    /** Reads a file in the event loop. The functions with `async` are those of Swoole 1 to 4. */
    public static function swoole_async_readfile(string $filename, callable $callback): bool
    {
        if (!is_file($filename) || !is_readable($filename)) {
            trigger_error("{$filename} cannot be read", E_USER_WARNING);
            return false;
        }
        self::later(fn () => $callback($filename, (string) \Swoole\Coroutine\System::readFile($filename)));
        return true;
    }

    public static function swoole_async_writefile(string $filename, string $content, ?callable $callback = null, int $flags = 0): bool
    {
        self::later(function () use ($filename, $content, $callback, $flags): void {
            \Swoole\Coroutine\System::writeFile($filename, $content, $flags);
            if ($callback !== null) {
                $callback($filename);
            }
        });
        return true;
    }

    /** Reads a file in pieces until its end, whose piece is empty, or until the callback returns `false`. */
    public static function swoole_async_read(string $filename, callable $callback, int $trunk_size = 8192, int $offset = 0): bool
    {
        $stream = @fopen($filename, 'r');
        if ($stream === false) {
            trigger_error("{$filename} cannot be read", E_USER_WARNING);
            return false;
        }
        self::later(function () use ($stream, $filename, $callback, $trunk_size, $offset): void {
            fseek($stream, $offset);
            do {
                $piece = (string) fread($stream, max(1, $trunk_size));
            } while ($callback($filename, $piece) !== false && $piece !== '');
            fclose($stream);
        });
        return true;
    }

    /** Writes at an offset; -1 appends. */
    public static function swoole_async_write(string $filename, string $content, int $offset = -1, ?callable $callback = null): bool
    {
        $stream = @fopen($filename, $offset < 0 ? 'a' : 'c');
        if ($stream === false) {
            trigger_error("{$filename} cannot be written", E_USER_WARNING);
            return false;
        }
        self::later(function () use ($stream, $filename, $content, $offset, $callback): void {
            if ($offset >= 0) {
                fseek($stream, $offset);
            }
            $written = fwrite($stream, $content);
            fclose($stream);
            if ($callback !== null) {
                $callback($filename, $written);
            }
        });
        return true;
    }

    /** Resolves a name; the callback gets it and its address, empty if it has none. */
    public static function swoole_async_dns_lookup(string $hostname, callable $callback): bool
    {
        self::later(fn () => $callback($hostname, (string) \Swoole\Coroutine\System::gethostbyname($hostname)));
        return true;
    }

    /** Runs code in a coroutine, in the event loop's next iteration. */
    private static function later(\Closure $code): void
    {
        \Swoole\Event::defer(function () use ($code): void {
            \Swoole\Coroutine::create($code);
        });
    }

    public static function swoole_curl_init(string $url = ''): \Swoole\Curl\Handler
    {
        return new \Swoole\Curl\Handler($url);
    }

    /** All information, or that of one `CURLINFO_*` option. */
    public static function swoole_curl_getinfo(\Swoole\Curl\Handler $obj, int $opt = 0): mixed
    {
        $info = $obj->getInfo();
        if ($info === false || $opt === 0) {
            return $info;
        }
        $name = match ($opt) {
            CURLINFO_EFFECTIVE_URL => 'url',
            CURLINFO_RESPONSE_CODE => 'http_code',
            CURLINFO_CONTENT_TYPE => 'content_type',
            CURLINFO_HEADER_SIZE => 'header_size',
            CURLINFO_REQUEST_SIZE => 'request_size',
            CURLINFO_REDIRECT_COUNT => 'redirect_count',
            CURLINFO_REDIRECT_URL => 'redirect_url',
            CURLINFO_TOTAL_TIME => 'total_time',
            CURLINFO_PRIMARY_IP => 'primary_ip',
            CURLINFO_PRIMARY_PORT => 'primary_port',
            CURLINFO_LOCAL_IP => 'local_ip',
            CURLINFO_LOCAL_PORT => 'local_port',
            CURLINFO_SIZE_DOWNLOAD_T, CURLINFO_SIZE_DOWNLOAD => 'size_download',
            CURLINFO_SIZE_UPLOAD_T, CURLINFO_SIZE_UPLOAD => 'size_upload',
            default => '',
        };
        return $info[$name] ?? false;
    }
}
