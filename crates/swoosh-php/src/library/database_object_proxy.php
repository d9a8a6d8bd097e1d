<?php

declare(strict_types=1);

namespace Swoole\Database;

/** A connection or a statement that can be replaced by another while it is in use. */
class ObjectProxy extends \Swoole\ObjectProxy
{
    final public function __clone(): void
    {
        throw new \Error('a database connection cannot be cloned');
    }
}
