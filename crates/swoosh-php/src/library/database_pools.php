<?php

/** Pools of PDO, mysqli and Redis connections. */

declare(strict_types=1);

namespace Swoole\Database;

use Swoole\ConnectionPool;

class PDOPool extends ConnectionPool
{
    protected PDOConfig $config;

    public function __construct(PDOConfig $config, int $size = self::DEFAULT_SIZE)
    {
        $this->config = $config;
        parent::__construct(function () use ($config): \PDO {
            $driver = $config->getDriver();
            if ($driver === 'sqlite') {
                if (in_array($config->getDbname(), ['', ':memory:'], true)) {
                    throw new \Exception('a pool cannot share an SQLite database that has no file');
                }
                return new \PDO("sqlite:{$config->getDbname()}", null, null, $config->getOptions());
            }
            $address = $config->hasUnixSocket() && $driver === 'mysql'
                ? "unix_socket={$config->getUnixSocket()}"
                : "host={$config->getHost()};port={$config->getPort()}";
            $source = match ($driver) {
                'mysql' => "mysql:{$address};dbname={$config->getDbname()};charset={$config->getCharset()}",
                'pgsql' => "pgsql:{$address};dbname={$config->getDbname()}",
                'oci' => "oci:dbname={$config->getHost()}:{$config->getPort()}/{$config->getDbname()};charset={$config->getCharset()}",
                default => throw new \Exception("the PDO driver {$driver} is not supported"),
            };
            return new \PDO($source, $config->getUsername(), $config->getPassword(), $config->getOptions());
        }, $size, PDOProxy::class);
    }

    /** A connection outside of transactions: one that was returned inside of a transaction is rolled back. */
    public function get(float $timeout = -1.0)
    {
        $connection = parent::get($timeout);
        if ($connection instanceof PDOProxy) {
            try {
                if ($connection->__getObject()->inTransaction()) {
                    $connection->__getObject()->rollBack();
                }
            } catch (\PDOException) {
                $connection->reconnect();
            }
            $connection->reset();
        }
        return $connection;
    }
}

class MysqliPool extends ConnectionPool
{
    protected MysqliConfig $config;

    public function __construct(MysqliConfig $config, int $size = self::DEFAULT_SIZE)
    {
        $this->config = $config;
        parent::__construct(function () use ($config): \mysqli {
            $connection = new \mysqli();
            foreach ($config->getOptions() as $option => $value) {
                $connection->options($option, $value);
            }
            @$connection->real_connect(
                $config->getHost(),
                $config->getUsername(),
                $config->getPassword(),
                $config->getDbname(),
                $config->getPort(),
                $config->getUnixSocket(),
            );
            if ($connection->connect_errno !== 0) {
                throw new MysqliException($connection->connect_error, $connection->connect_errno);
            }
            $connection->set_charset($config->getCharset());
            return $connection;
        }, $size, MysqliProxy::class);
    }

    /** A connection outside of transactions: one that was returned inside of a transaction is rolled back. */
    public function get(float $timeout = -1.0)
    {
        $connection = parent::get($timeout);
        if ($connection instanceof MysqliProxy && $connection->isInTransaction()) {
            try {
                $connection->__getObject()->rollback();
                $connection->__getObject()->autocommit(true);
            } catch (\mysqli_sql_exception) {
                $connection->reconnect();
            }
            $connection->reset();
        }
        return $connection;
    }
}

class RedisPool extends ConnectionPool
{
    protected RedisConfig $config;

    public function __construct(RedisConfig $config, int $size = self::DEFAULT_SIZE)
    {
        $this->config = $config;
        parent::__construct(function () use ($config): \Redis {
            $redis = new \Redis();
            $redis->connect(
                $config->getHost(),
                str_starts_with($config->getHost(), '/') ? 0 : $config->getPort(),
                $config->getTimeout(),
                $config->getReserved() === '' ? null : $config->getReserved(),
                $config->getRetryInterval(),
                $config->getReadTimeout(),
            );
            if ($config->getAuth() !== '' && $config->getAuth() !== []) {
                $redis->auth($config->getAuth());
            }
            if ($config->getDbIndex() !== 0) {
                $redis->select($config->getDbIndex());
            }
            foreach ($config->getOptions() as $option => $value) {
                $redis->setOption($option, $value);
            }
            return $redis;
        }, $size);
    }
}
