<?php

/**
 * mysqli connections and statements that connect again when the connection is lost, whether mysqli throws or returns false.
 *
 * Invariant: no statement of a transaction is repeated on another connection, because the statements before it are lost.
 */

declare(strict_types=1);

namespace Swoole\Database;

class MysqliException extends \Exception
{
}

class MysqliProxy extends ObjectProxy
{
    public const IO_METHOD_REGEX = '/^autocommit|begin_transaction|change_user|close|commit|kill|multi_query|ping|prepare|query|real_connect|real_query|reap_async_query|refresh|release_savepoint|rollback|savepoint|select_db|send_query|set_charset|ssl_set$/i';

    /** CR_CONNECTION_ERROR, CR_SERVER_GONE_ERROR, CR_SERVER_LOST, ER_CLIENT_INTERACTION_TIMEOUT. */
    public const IO_ERRORS = [2002, 2006, 2013, 4031];

    /** @var \mysqli */
    protected $__object;

    protected string $charsetContext = '';

    protected array $setOptContext = [];

    protected array $changeUserContext = [];

    /** @var callable */
    protected $constructor;

    /** The number of connections that this one replaces. */
    protected int $round = 0;

    private bool $inTransaction = false;

    /** autocommit(false) was called: every statement belongs to a transaction. */
    private bool $autocommit = true;

    /** The connection was lost, and the program has ended the transaction. */
    private bool $hasEnded = false;

    public function __construct(callable $constructor)
    {
        parent::__construct($constructor());
        $this->constructor = $constructor;
    }

    public function __call(string $name, array $arguments)
    {
        $result = $this->attempt(fn () => @$this->__object->{$name}(...$arguments), $name);
        $this->follow(strtolower($name), $arguments);
        if ($result instanceof \mysqli_stmt) {
            $query = strtolower($name) === 'prepare' ? (string) ($arguments[0] ?? $arguments['query'] ?? '') : null;
            return new MysqliStatementProxy($result, $query, $this);
        }
        return $result;
    }

    public function getRound(): int
    {
        return $this->round;
    }

    public function reconnect(): void
    {
        $connection = ($this->constructor)();
        foreach ($this->setOptContext as $option => $value) {
            $connection->options($option, $value);
        }
        if ($this->charsetContext !== '') {
            $connection->set_charset($this->charsetContext);
        }
        if ($this->changeUserContext !== []) {
            $connection->change_user(...$this->changeUserContext);
        }
        if (!$this->autocommit) {
            $connection->autocommit(false);
        }
        parent::__construct($connection);
        $this->inTransaction = $this->hasEnded = false;
        $this->round++;
    }

    public function options(int $option, mixed $value): bool
    {
        $this->setOptContext[$option] = $value;
        return $this->__object->options($option, $value);
    }

    public function set_opt(int $option, mixed $value): bool
    {
        return $this->options($option, $value);
    }

    public function set_charset(string $charset): bool
    {
        $this->charsetContext = $charset;
        return (bool) $this->attempt(fn () => @$this->__object->set_charset($charset), 'set_charset');
    }

    public function change_user(string $user, string $password, ?string $database): bool
    {
        $this->changeUserContext = [$user, $password, $database];
        return (bool) $this->attempt(fn () => @$this->__object->change_user($user, $password, $database), 'change_user');
    }

    public function isInTransaction(): bool
    {
        return $this->inTransaction || (!$this->autocommit && !$this->hasEnded);
    }

    /** Forgets a transaction of its last user, see MysqliPool::get(). */
    public function reset(): void
    {
        $this->inTransaction = $this->hasEnded = false;
        $this->autocommit = true;
    }

    /** Runs a call, and again on another connection if this one is lost. */
    private function attempt(\Closure $call, string $name): mixed
    {
        try {
            $result = $call();
            if ($result !== false || !in_array($this->__object->errno, self::IO_ERRORS, true)) {
                return $result;
            }
        } catch (\mysqli_sql_exception $failure) {
            if (!in_array($failure->getCode(), self::IO_ERRORS, true)) {
                throw $failure;
            }
        }
        if (\Swoole\Coroutine::getCid() > 0 && \Swoole\Coroutine::isCanceled()) {
            return isset($failure) ? throw $failure : $result;
        }
        if ($this->isInTransaction()) {
            if (in_array(strtolower($name), ['commit', 'rollback'], true)) {
                $this->inTransaction = false;
                $this->hasEnded = true;
            }
        } elseif (preg_match(self::IO_METHOD_REGEX, $name)) {
            $this->reconnect();
            return $call();
        }
        return isset($failure) ? throw $failure : $result;
    }

    /** Notes which calls begin and end transactions. */
    private function follow(string $method, array $arguments): void
    {
        $first = $arguments === [] ? '' : reset($arguments);
        switch ($method) {
            case 'begin_transaction':
                $this->inTransaction = true;
                break;
            case 'commit':
            case 'rollback':
                $this->inTransaction = false;
                break;
            case 'autocommit':
                $this->autocommit = (bool) $first;
                break;
            case 'query':
            case 'real_query':
            case 'multi_query':
                if (preg_match('/^\s*(BEGIN|START\s+TRANSACTION|COMMIT|ROLLBACK(?!\s+TO))\b/i', (string) $first, $found)) {
                    $this->inTransaction = in_array(strtoupper($found[1][0]), ['B', 'S'], true);
                }
                break;
        }
    }
}

class MysqliStatementProxy extends ObjectProxy
{
    public const IO_METHOD_REGEX = '/^close|execute|fetch|prepare$/i';

    /** @var \mysqli_stmt */
    protected $__object;

    protected array $attrSetContext = [];

    protected array $bindParamContext = [];

    protected array $bindResultContext = [];

    protected int $parentRound;

    protected ?string $queryString;

    protected MysqliProxy $parent;

    public function __construct(\mysqli_stmt $object, ?string $queryString, MysqliProxy $parent)
    {
        parent::__construct($object);
        $this->queryString = $queryString;
        $this->parent = $parent;
        $this->parentRound = $parent->getRound();
    }

    public function __call(string $name, array $arguments)
    {
        if (strtolower($name) === 'prepare') {
            $this->queryString = (string) ($arguments[0] ?? $arguments['query'] ?? '');
            $this->bindParamContext = $this->bindResultContext = [];
        }
        try {
            $result = @$this->__object->{$name}(...$arguments);
            if ($result !== false || !in_array($this->__object->errno, MysqliProxy::IO_ERRORS, true)) {
                return $result;
            }
        } catch (\mysqli_sql_exception $failure) {
            if (!in_array($failure->getCode(), MysqliProxy::IO_ERRORS, true)) {
                throw $failure;
            }
        }
        if (!$this->parent->isInTransaction() && $this->queryString !== null && preg_match(self::IO_METHOD_REGEX, $name)) {
            $this->prepareAgain();
            return strtolower($name) === 'prepare' ? true : $this->__object->{$name}(...$arguments);
        }
        if (isset($failure)) {
            throw $failure;
        }
        return $result;
    }

    public function attr_set(int $attr, int $mode): bool
    {
        $this->attrSetContext[$attr] = $mode;
        return $this->__object->attr_set($attr, $mode);
    }

    public function bind_param(string $types, mixed &...$arguments): bool
    {
        $this->bindParamContext = [$types, $arguments];
        return $this->__object->bind_param($types, ...$arguments);
    }

    public function bind_result(mixed &...$arguments): bool
    {
        $this->bindResultContext = $arguments;
        return $this->__object->bind_result(...$arguments);
    }

    /** Prepares the statement on another connection, with all bindings; makes the connection if nobody has. */
    private function prepareAgain(): void
    {
        if ($this->parent->getRound() === $this->parentRound) {
            $this->parent->reconnect();
        }
        $statement = $this->parent->__getObject()->prepare($this->queryString);
        if ($statement === false) {
            throw new MysqliException($this->parent->__getObject()->error, $this->parent->__getObject()->errno);
        }
        $this->__object = $statement;
        $this->parentRound = $this->parent->getRound();
        foreach ($this->attrSetContext as $attribute => $mode) {
            $statement->attr_set($attribute, $mode);
        }
        if ($this->bindParamContext !== []) {
            $statement->bind_param($this->bindParamContext[0], ...$this->bindParamContext[1]);
        }
        if ($this->bindResultContext !== []) {
            $statement->bind_result(...$this->bindResultContext);
        }
    }
}
