<?php

/**
 * PDO connections and statements that connect again when the connection is lost.
 *
 * Invariant: no statement of a transaction is repeated on another connection, because the statements before it are lost.
 */

declare(strict_types=1);

namespace Swoole\Database;

class PDOProxy extends ObjectProxy
{
    /** @var \PDO */
    protected $__object;

    /** Attributes that were set, for the next connection. */
    protected array $setAttributeContext = [];

    /** @var callable */
    protected $constructor;

    /** The number of connections that this one replaces. */
    protected int $round = 0;

    protected int $inTransaction = 0;

    /** The connection was lost inside of a transaction: its own flag says nothing anymore. */
    private bool $isLost = false;

    public function __construct(callable $constructor)
    {
        parent::__construct($constructor());
        $this->__object->setAttribute(\PDO::ATTR_ERRMODE, \PDO::ERRMODE_EXCEPTION);
        $this->constructor = $constructor;
    }

    public function __call(string $name, array $arguments)
    {
        $method = strtolower($name);
        try {
            $result = $this->__object->{$name}(...$arguments);
        } catch (\PDOException $failure) {
            if (!DetectsLostConnections::causedByLostConnection($failure)) {
                throw $failure;
            }
            if ($this->isInTransaction()) {
                $this->loseTransaction($method === 'commit' || $method === 'rollback'
                    || preg_match('/^\s*(COMMIT|ROLLBACK(?!\s+TO))\b/i', (string) (reset($arguments) ?: '')) === 1);
                throw $failure;
            }
            $this->reconnect();
            $result = $this->__object->{$name}(...$arguments);
        }
        switch ($method) {
            case 'begintransaction':
                $this->inTransaction++;
                break;
            case 'commit':
            case 'rollback':
                $this->inTransaction = max(0, $this->inTransaction - 1);
                break;
        }
        return $result instanceof \PDOStatement ? new PDOStatementProxy($result, $this) : $result;
    }

    public function getRound(): int
    {
        return $this->round;
    }

    public function reconnect(): void
    {
        $connection = ($this->constructor)();
        $connection->setAttribute(\PDO::ATTR_ERRMODE, \PDO::ERRMODE_EXCEPTION);
        foreach ($this->setAttributeContext as $attribute => $value) {
            $connection->setAttribute($attribute, $value);
        }
        parent::__construct($connection);
        $this->inTransaction = 0;
        $this->isLost = false;
        $this->round++;
    }

    public function setAttribute(int $attribute, mixed $value): bool
    {
        $this->setAttributeContext[$attribute] = $value;
        return $this->__object->setAttribute($attribute, $value);
    }

    public function inTransaction(): bool
    {
        return $this->inTransaction > 0;
    }

    /** Forgets a transaction of its last user, see PDOPool::get(). */
    public function reset(): void
    {
        $this->inTransaction = 0;
    }

    /** Whether the connection is in a transaction, however that was begun. */
    public function isInTransaction(): bool
    {
        return $this->inTransaction > 0 || (!$this->isLost && $this->__object->inTransaction());
    }

    /** The connection is lost: every statement fails until the program ends the transaction. */
    public function loseTransaction(bool $ends): void
    {
        $this->isLost = true;
        $this->inTransaction = $ends ? 0 : max(1, $this->inTransaction);
    }
}

class PDOStatementProxy extends ObjectProxy
{
    /** @var \PDOStatement */
    protected $__object;

    protected array $setAttributeContext = [];

    protected array $setFetchModeContext = [];

    protected array $bindParamContext = [];

    protected array $bindColumnContext = [];

    protected array $bindValueContext = [];

    /** @var int */
    protected $parentRound;

    protected PDOProxy $parent;

    public function __construct(\PDOStatement $object, PDOProxy $parent)
    {
        parent::__construct($object);
        $this->parent = $parent;
        $this->parentRound = $parent->getRound();
    }

    public function __call(string $name, array $arguments)
    {
        try {
            return $this->__object->{$name}(...$arguments);
        } catch (\PDOException $failure) {
            if (!DetectsLostConnections::causedByLostConnection($failure)) {
                throw $failure;
            }
            if ($this->parent->isInTransaction()) {
                $this->parent->loseTransaction(false);
                throw $failure;
            }
            $this->prepareAgain();
            return $this->__object->{$name}(...$arguments);
        }
    }

    public function setAttribute(int $attribute, mixed $value): bool
    {
        $this->setAttributeContext[$attribute] = $value;
        return $this->__object->setAttribute($attribute, $value);
    }

    public function setFetchMode(int $mode, mixed ...$params): bool
    {
        $this->setFetchModeContext = [$mode, ...$params];
        return $this->__object->setFetchMode($mode, ...$params);
    }

    public function bindParam($parameter, &$variable, $data_type = \PDO::PARAM_STR, $length = 0, $driver_options = null): bool
    {
        $this->bindParamContext[$parameter] = [&$variable, $data_type, $length, $driver_options];
        return $this->__object->bindParam($parameter, $variable, $data_type, $length, $driver_options);
    }

    public function bindColumn($column, &$param, $type = null, $maxlen = null, $driverdata = null): bool
    {
        $this->bindColumnContext[$column] = [&$param, $type ?? \PDO::PARAM_STR, $maxlen ?? 0, $driverdata];
        return $this->__object->bindColumn($column, $param, $type ?? \PDO::PARAM_STR, $maxlen ?? 0, $driverdata);
    }

    public function bindValue($parameter, $value, $data_type = \PDO::PARAM_STR): bool
    {
        $this->bindValueContext[$parameter] = [$value, $data_type];
        return $this->__object->bindValue($parameter, $value, $data_type);
    }

    /** Prepares the statement on another connection, with all bindings; makes the connection if nobody has. */
    private function prepareAgain(): void
    {
        if ($this->parent->getRound() === $this->parentRound) {
            $this->parent->reconnect();
        }
        $this->__object = $this->parent->__getObject()->prepare($this->__object->queryString);
        $this->parentRound = $this->parent->getRound();
        foreach ($this->setAttributeContext as $attribute => $value) {
            $this->__object->setAttribute($attribute, $value);
        }
        if ($this->setFetchModeContext !== []) {
            $this->__object->setFetchMode(...$this->setFetchModeContext);
        }
        foreach ($this->bindValueContext as $parameter => [$value, $type]) {
            $this->__object->bindValue($parameter, $value, $type);
        }
        foreach ($this->bindParamContext as $parameter => &$bound) {
            $this->__object->bindParam($parameter, $bound[0], $bound[1], $bound[2], $bound[3]);
        }
        foreach ($this->bindColumnContext as $column => &$target) {
            $this->__object->bindColumn($column, $target[0], $target[1], $target[2], $target[3]);
        }
    }
}
