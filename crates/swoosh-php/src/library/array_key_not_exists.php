<?php

declare(strict_types=1);

namespace Swoole\Exception;

class ArrayKeyNotExists extends \RuntimeException
{
    public function __construct(string $key)
    {
        parent::__construct("the array has no key {$key}");
    }
}
