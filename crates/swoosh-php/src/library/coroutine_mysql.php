<?php

/** `Swoole\Coroutine\MySQL` of Swoole 4, on mysqli, whose sockets wait in coroutines. */

declare(strict_types=1);

namespace Swoole\Coroutine\MySQL;

use Swoole\Coroutine\MySQL;

class Exception extends \Swoole\Exception
{
}

/** The rows of the last result. */
trait Rows
{
    private ?array $rows = null;

    public function fetch(float $timeout = -1): array|null|false
    {
        return $this->rows === null ? false : array_shift($this->rows);
    }

    public function fetchAll(float $timeout = -1): array|false
    {
        [$rows, $this->rows] = [$this->rows, null];
        return $rows ?? false;
    }

    public function nextResult(float $timeout = -1): ?bool
    {
        return null;
    }
}

class Statement
{
    use Rows;

    public int $affected_rows = 0;

    public int $insert_id = 0;

    public string $error = '';

    public int $errno = 0;

    /** Made by MySQL::prepare(). */
    public function __construct(private MySQL $client, private \mysqli_stmt $statement, private bool $fetches)
    {
    }

    /** Rows, or `true` if there are none; with `fetch_mode`, fetch() returns the rows. */
    public function execute(array $params = [], float $timeout = -1): array|bool
    {
        return $this->client->run($this, function () use ($params) {
            if ($params !== []) {
                $values = array_values($params);
                $types = implode('', array_map(fn ($value) => is_int($value) ? 'i' : (is_float($value) ? 'd' : 's'), $values));
                $this->statement->bind_param($types, ...$values);
            }
            if (!$this->statement->execute()) {
                return false;
            }
            $result = $this->statement->get_result();
            $this->affected_rows = (int) $this->statement->affected_rows;
            $this->insert_id = (int) $this->statement->insert_id;
            $rows = $result === false ? true : $result->fetch_all(MYSQLI_ASSOC);
            if (is_array($rows) && $this->fetches) {
                $this->rows = $rows;
                return true;
            }
            return $rows;
        }, fn () => [$this->statement->errno, $this->statement->error]);
    }

    public function recv(float $timeout = -1): mixed
    {
        return $this->client->recv($timeout);
    }

    public function close(): void
    {
        $this->statement->close();
    }
}

namespace Swoole\Coroutine;

use Swoole\Coroutine;
use Swoole\Coroutine\MySQL\Statement;
use Swoole\Runtime;

class MySQL
{
    use MySQL\Rows;

    public array $serverInfo = [];

    public int $sock = -1;

    public bool $connected = false;

    public int $connect_errno = 0;

    public string $connect_error = '';

    public int $affected_rows = 0;

    public int $insert_id = 0;

    public string $error = '';

    public int $errno = 0;

    private ?\mysqli $connection = null;

    private bool $defers = false;

    /** The result of a deferred call. */
    private ?Channel $deferred = null;

    public function __construct(?array $serverInfo = null)
    {
        if ($serverInfo !== null) {
            $this->connect($serverInfo);
        }
    }

    /** `$config`: host, port, user, password, database, charset, timeout, strict_type, fetch_mode. */
    public function connect(?array $config = null): bool
    {
        $config ??= $this->serverInfo;
        foreach (['host', 'user'] as $needed) {
            if (!isset($config[$needed])) {
                throw new MySQL\Exception("the setting {$needed} is missing", 11);
            }
        }
        $this->close();
        $this->serverInfo = $config;
        Runtime::setHookFlags(Runtime::getHookFlags() | SWOOLE_HOOK_TCP | SWOOLE_HOOK_UNIX);
        $connection = new \mysqli();
        if (($config['timeout'] ?? 0) > 0) {
            $connection->options(MYSQLI_OPT_CONNECT_TIMEOUT, (int) ceil($config['timeout']));
        }
        if (!empty($config['strict_type'])) {
            $connection->options(MYSQLI_OPT_INT_AND_FLOAT_NATIVE, 1);
        }
        $is_path = str_starts_with($config['host'], 'unix:/') || str_starts_with($config['host'], '/');
        $path = $is_path ? '/' . ltrim(substr($config['host'], str_starts_with($config['host'], 'unix:') ? 5 : 0), '/') : null;
        try {
            @$connection->real_connect($is_path ? 'localhost' : $config['host'], $config['user'], $config['password'] ?? '', $config['database'] ?? '', (int) ($config['port'] ?? 3306), $path);
            [$code, $text] = [$connection->connect_errno, (string) $connection->connect_error];
            if ($code === 0 && isset($config['charset'])) {
                $connection->set_charset($config['charset']);
            }
        } catch (\mysqli_sql_exception $failure) {
            [$code, $text] = [$failure->getCode(), $failure->getMessage()];
        }
        [$this->connect_errno, $this->connect_error] = [$code, $text];
        $this->connected = $code === 0;
        $this->connection = $this->connected ? $connection : null;
        return $this->connected;
    }

    /** Rows, or `true` if there are none, `false` after an error; with `fetch_mode`, fetch() returns the rows. */
    public function query(string $sql, float $timeout = 0): array|bool
    {
        return $this->run($this, function () use ($sql) {
            $result = $this->connection->query($sql);
            $this->affected_rows = (int) $this->connection->affected_rows;
            $this->insert_id = (int) $this->connection->insert_id;
            if (!$result instanceof \mysqli_result) {
                return $result;
            }
            $rows = $result->fetch_all(MYSQLI_ASSOC);
            if (empty($this->serverInfo['fetch_mode'])) {
                return $rows;
            }
            $this->rows = $rows;
            return true;
        });
    }

    public function prepare(string $query, float $timeout = -1): Statement|bool
    {
        return $this->run($this, function () use ($query) {
            $statement = $this->connection->prepare($query);
            return $statement === false ? false : new Statement($this, $statement, !empty($this->serverInfo['fetch_mode']));
        });
    }

    public function escape(string $string): string|false
    {
        return $this->connection === null ? false : $this->connection->real_escape_string($string);
    }

    public function begin(float $timeout = 0): bool
    {
        return $this->query('START TRANSACTION', $timeout) === true;
    }

    public function commit(float $timeout = 0): bool
    {
        return $this->query('COMMIT', $timeout) === true;
    }

    public function rollback(float $timeout = 0): bool
    {
        return $this->query('ROLLBACK', $timeout) === true;
    }

    public function getDefer(): bool
    {
        return $this->defers;
    }

    /** The next calls return at once; recv() has their results. */
    public function setDefer(bool $defer = true): bool
    {
        $this->defers = $defer;
        return true;
    }

    /** The result of the deferred call. */
    public function recv(float $timeout = 0): mixed
    {
        if ($this->deferred === null) {
            return false;
        }
        $result = $this->deferred->pop($timeout > 0 ? $timeout : -1);
        $this->deferred = null;
        return $result === false ? false : $result[0];
    }

    public function close(): bool
    {
        $was_connected = $this->connected;
        $this->connection?->close();
        $this->connection = null;
        $this->connected = false;
        return $was_connected;
    }

    /** Runs a call of this client or of its statement, and notes its error. */
    public function run(MySQL|Statement $of, \Closure $call, ?\Closure $error = null): mixed
    {
        if ($this->connection === null) {
            [$of->errno, $of->error] = [2006, 'the client is not connected'];
            return false;
        }
        $attempt = function () use ($of, $call, $error): mixed {
            try {
                $result = @$call();
                [$of->errno, $of->error] = $error === null ? [$this->connection->errno, $this->connection->error] : $error();
            } catch (\mysqli_sql_exception $failure) {
                [$of->errno, $of->error] = [$failure->getCode(), $failure->getMessage()];
                $result = false;
            }
            if (in_array($of->errno, [2006, 2013], true)) {
                $this->connected = false;
            }
            return $result;
        };
        if (!$this->defers) {
            return $attempt();
        }
        $this->deferred = $channel = new Channel(1);
        Coroutine::create(fn () => $channel->push([$attempt()]));
        return true;
    }
}
