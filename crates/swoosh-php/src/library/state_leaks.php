<?php

declare(strict_types=1);

namespace Swoole\Internal;

use Swoole\Http\Request;
use Swoole\Server;
use Swoole\Timer;

/**
 * Reports state that requests leave behind, when the INI setting `swoole.state_leaks` is on: static properties, globals, INI
 * settings, locale, time zone, environment, handlers of errors, output buffers, timers and open transactions.
 *
 * State is compared between two moments in which no request is in progress, so a report may be about several requests.
 */
final class StateLeaks
{
    private static int $active = 0;

    private static ?array $before = null;

    /** The requests since then. */
    private static array $requests = [];

    /** Wraps the callbacks of a server that is about to start. */
    public static function install(Server $server): void
    {
        foreach (['request', 'receive', 'message'] as $event) {
            $callback = $server->getCallback($event);
            if ($callback === null) {
                continue;
            }
            $server->on($event, function (...$arguments) use ($callback, $event): void {
                $first = $arguments[0];
                self::begin($first instanceof Request ? "{$first->server['request_method']} {$first->server['request_uri']}" : $event);
                try {
                    $callback(...$arguments);
                } finally {
                    unset($arguments, $first);
                    self::end();
                }
            });
        }
    }

    public static function begin(string $request): void
    {
        if (self::$active++ === 0) {
            self::$before = self::snapshot();
            self::$requests = [];
        }
        self::$requests[$request] = true;
    }

    public static function end(): void
    {
        if (--self::$active > 0 || self::$before === null) {
            return;
        }
        [$before, $after] = [self::$before, self::snapshot()];
        $writes = state_writes();
        $of = implode(', ', array_keys(self::$requests));
        foreach ($after as $name => $value) {
            $old = $before[$name] ?? 'nothing';
            if ($old !== $value) {
                log_warning("state leak by {$of}: {$name} was {$old}, is {$value}" . self::place($name, $writes));
            }
        }
    }

    /** The place of the last write, if it is known. */
    private static function place(string $name, array $writes): string
    {
        $by = match (true) {
            (bool) preg_match('/^static .*::(\$\w+)$/', $name, $found) => $found[1],
            str_starts_with($name, 'ini error_reporting') => isset($writes['error_reporting()']) ? 'error_reporting()' : 'ini_set()',
            str_starts_with($name, 'ini ') => 'ini_set()',
            $name === 'locale' => 'setlocale()',
            $name === 'timezone' => 'date_default_timezone_set()',
            $name === 'error handler' => 'set_error_handler()',
            $name === 'exception handler' => 'set_exception_handler()',
            $name === 'output buffers' => 'ob_start()',
            str_starts_with($name, 'environment ') => 'putenv()',
            default => '',
        };
        return isset($writes[$by]) ? ", last written at {$writes[$by]}" : '';
    }

    private static function snapshot(): array
    {
        $state = [];
        foreach (get_declared_classes() as $class) {
            $reflection = new \ReflectionClass($class);
            if ($reflection->isInternal() || str_starts_with((string) $reflection->getFileName(), '@swoole/')) {
                continue;
            }
            foreach ($reflection->getProperties(\ReflectionProperty::IS_STATIC) as $property) {
                if ($property->getDeclaringClass()->getName() === $reflection->getName() && $property->isInitialized()) {
                    $state["static {$class}::\${$property->getName()}"] = self::describe($property->getValue());
                }
            }
        }
        foreach ($GLOBALS as $name => $value) {
            if (!in_array($name, ['_GET', '_POST', '_COOKIE', '_FILES', '_SERVER', '_REQUEST', '_ENV', 'argv', 'argc'], true)) {
                $state["global \${$name}"] = self::describe($value);
            }
        }
        foreach (ini_get_all(null, false) as $name => $value) {
            $state["ini {$name}"] = self::describe($value);
        }
        foreach (getenv() as $name => $value) {
            $state["environment {$name}"] = self::describe($value);
        }
        $state['locale'] = self::describe(setlocale(LC_ALL, '0'));
        $state['timezone'] = date_default_timezone_get();
        $state['error handler'] = self::describe(set_error_handler(null));
        restore_error_handler();
        $state['exception handler'] = self::describe(set_exception_handler(null));
        restore_exception_handler();
        $state['output buffers'] = (string) ob_get_level();
        $state['timers'] = (string) iterator_count(Timer::list());
        $open = 0;
        foreach (swoole_get_objects() ?: [] as $object) {
            try {
                $open += $object instanceof \PDO && $object->inTransaction() ? 1 : 0;
            } catch (\Throwable) {
                // It is not connected.
            }
        }
        $state['open transactions'] = (string) $open;
        return $state;
    }

    /** A short text that changes with the value. */
    private static function describe(mixed $value, int $depth = 0): string
    {
        if (is_object($value)) {
            return get_class($value) . '#' . spl_object_id($value);
        }
        if (is_array($value)) {
            if ($depth > 3) {
                return 'array(' . count($value) . ')';
            }
            $parts = '';
            foreach ($value as $key => $one) {
                $parts .= "{$key}=" . self::describe($one, $depth + 1) . ';';
            }
            return 'array(' . count($value) . ') ' . ($depth === 0 ? substr(md5($parts), 0, 8) : $parts);
        }
        $text = is_string($value) ? "\"{$value}\"" : (is_resource($value) ? get_resource_type($value) . '#' . (int) $value : var_export($value, true));
        return strlen($text) > 60 ? substr($text, 0, 50) . '... ' . substr(md5($text), 0, 8) : $text;
    }
}
