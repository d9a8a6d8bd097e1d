<?php

declare(strict_types=1);

namespace Swoole\MongoDB;

use Swoole\RemoteObject;
use Swoole\RemoteObject\ProxyTrait;

/** `MongoDB\Client` of Composer's package mongodb/mongodb in another process, because its driver blocks. */
class Client implements \Stringable
{
    use ProxyTrait;

    public const DEFAULT_URI = 'mongodb://127.0.0.1/';

    protected RemoteObject $client;

    public function __construct(?string $uri = self::DEFAULT_URI, array $uriOptions = [], array $driverOptions = [])
    {
        $this->client = swoole_get_default_remote_object_client()->create('MongoDB\Client', $uri ?? self::DEFAULT_URI, $uriOptions, $driverOptions);
    }

    protected function getObject(): RemoteObject
    {
        return $this->client;
    }
}
