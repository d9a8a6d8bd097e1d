<?php

/** `Swoole\Coroutine\PostgreSQL` of Swoole 4 and 5, on the extension pgsql. */

declare(strict_types=1);

namespace Swoole\Coroutine;

class PostgreSQLStatement
{
    public ?string $error = null;

    public int $resultStatus = 0;

    private int $row = 0;

    /** Made by PostgreSQL::query() and prepare(). */
    public function __construct(private PostgreSQL $client, private ?\PgSql\Result $result, private ?string $name = null)
    {
    }

    /** Executes a prepared statement. */
    public function execute(array $params = []): bool
    {
        $result = $this->client->attempt(fn (\PgSql\Connection $connection) => pg_execute($connection, (string) $this->name, $params));
        $this->error = $this->client->error;
        [$this->result, $this->row] = [$result ?: null, 0];
        return $result !== false;
    }

    public function fetchAll(int $result_type = 1): array|false
    {
        return $this->result === null ? false : pg_fetch_all($this->result, $result_type === 2 ? PGSQL_NUM : PGSQL_ASSOC);
    }

    public function affectedRows(): int
    {
        return $this->result === null ? 0 : pg_affected_rows($this->result);
    }

    public function numRows(): int
    {
        return $this->result === null ? 0 : pg_num_rows($this->result);
    }

    public function fieldCount(): int
    {
        return $this->result === null ? 0 : pg_num_fields($this->result);
    }

    public function fetchObject(?int $row = null, ?string $class_name = null, array $ctor_params = []): object|false
    {
        return $this->at($row) ? pg_fetch_object($this->result, $this->row++, $class_name ?? 'stdClass', $ctor_params) : false;
    }

    public function fetchAssoc(?int $row = null): array|false
    {
        return $this->at($row) ? pg_fetch_assoc($this->result, $this->row++) : false;
    }

    public function fetchArray(?int $row = null, int $result_type = 3): array|false
    {
        return $this->at($row) ? pg_fetch_array($this->result, $this->row++, [1 => PGSQL_ASSOC, 2 => PGSQL_NUM][$result_type] ?? PGSQL_BOTH) : false;
    }

    public function fetchRow(?int $row = null): array|false
    {
        return $this->at($row) ? pg_fetch_row($this->result, $this->row++) : false;
    }

    private function at(?int $row): bool
    {
        $this->row = $row ?? $this->row;
        return $this->result !== null && $this->row >= 0 && $this->row < pg_num_rows($this->result);
    }
}

class PostgreSQL
{
    public ?string $error = null;

    public int $errCode = 0;

    public int $resultStatus = 0;

    public ?array $resultDiag = null;

    public ?array $notices = null;

    private ?\PgSql\Connection $connection = null;

    public function __construct()
    {
        if (!extension_loaded('pgsql')) {
            throw new \Swoole\Exception('Swoole\Coroutine\PostgreSQL needs the extension pgsql');
        }
    }

    /** `$conninfo`: `host=127.0.0.1 port=5432 dbname=test user=root password=secret`. */
    public function connect(string $conninfo, float $timeout = 2): bool
    {
        \Swoole\Runtime::setHookFlags(\Swoole\Runtime::getHookFlags() | SWOOLE_HOOK_TCP);
        if ($timeout > 0 && !str_contains($conninfo, 'connect_timeout')) {
            $conninfo .= ' connect_timeout=' . max(2, (int) ceil($timeout));
        }
        $this->error = null;
        $connection = $this->catching(fn () => pg_connect($conninfo, PGSQL_CONNECT_FORCE_NEW));
        $this->connection = $connection ?: null;
        return $this->connection !== null;
    }

    public function query(string $query): PostgreSQLStatement|false
    {
        $result = $this->attempt(fn (\PgSql\Connection $connection) => pg_query($connection, $query));
        return $result === false ? false : new PostgreSQLStatement($this, $result);
    }

    /** `prepare($sql)` returns a statement; `prepare($name, $sql)` prepares one for execute(). */
    public function prepare(string $name, ?string $query = null): PostgreSQLStatement|bool
    {
        [$name, $query, $is_named] = $query === null ? ['swoole' . bin2hex(random_bytes(6)), $name, false] : [$name, $query, true];
        $result = $this->attempt(fn (\PgSql\Connection $connection) => pg_prepare($connection, $name, $query));
        return $result === false ? false : ($is_named ? true : new PostgreSQLStatement($this, null, $name));
    }

    /** Executes a statement that was prepared under a name. */
    public function execute(string $name, array $params = []): PostgreSQLStatement|false
    {
        $statement = new PostgreSQLStatement($this, null, $name);
        return $statement->execute($params) ? $statement : false;
    }

    public function fetchAll(PostgreSQLStatement $result, int $result_type = 1): array|false
    {
        return $result->fetchAll($result_type);
    }

    public function affectedRows(PostgreSQLStatement $result): int
    {
        return $result->affectedRows();
    }

    public function numRows(PostgreSQLStatement $result): int
    {
        return $result->numRows();
    }

    public function fieldCount(PostgreSQLStatement $result): int
    {
        return $result->fieldCount();
    }

    public function fetchObject(PostgreSQLStatement $result, ?int $row = null): object|false
    {
        return $result->fetchObject($row);
    }

    public function fetchAssoc(PostgreSQLStatement $result, ?int $row = null): array|false
    {
        return $result->fetchAssoc($row);
    }

    public function fetchArray(PostgreSQLStatement $result, ?int $row = null, int $result_type = 3): array|false
    {
        return $result->fetchArray($row, $result_type);
    }

    public function fetchRow(PostgreSQLStatement $result, ?int $row = null): array|false
    {
        return $result->fetchRow($row);
    }

    public function metaData(string $table_name): array|false
    {
        return $this->attempt(fn (\PgSql\Connection $connection) => pg_meta_data($connection, $table_name));
    }

    public function escape(string $string): string|false
    {
        return $this->connection === null ? false : pg_escape_string($this->connection, $string);
    }

    public function escapeLiteral(string $string): string|false
    {
        return $this->connection === null ? false : pg_escape_literal($this->connection, $string);
    }

    public function escapeIdentifier(string $string): string|false
    {
        return $this->connection === null ? false : pg_escape_identifier($this->connection, $string);
    }

    public function close(): bool
    {
        [$connection, $this->connection] = [$this->connection, null];
        return $connection !== null && pg_close($connection);
    }

    /** Runs a call with the connection, and notes its error. */
    public function attempt(\Closure $call): mixed
    {
        if ($this->connection === null) {
            $this->error = 'the client is not connected';
            return false;
        }
        $this->error = null;
        $result = $this->catching(fn () => $call($this->connection));
        if ($result === false) {
            $this->error ??= pg_last_error($this->connection);
            $this->resultStatus = PGSQL_FATAL_ERROR;
        } elseif ($result instanceof \PgSql\Result) {
            $this->resultStatus = (int) pg_result_status($result);
        }
        return $result;
    }

    /** Runs a call whose warnings are this client's errors. */
    private function catching(\Closure $call): mixed
    {
        error_clear_last();
        $result = @$call();
        if ($result === false) {
            $this->error = error_get_last()['message'] ?? null;
        }
        return $result;
    }
}
