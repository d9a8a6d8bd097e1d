--TEST--
NameResolver\Redis joins, finds and leaves services in a real Redis, in and outside coroutines
--EXTENSIONS--
swoole
--SKIPIF--
<?php require __DIR__ . '/../inc/components.inc'; need_components('redis-server', 'redis'); ?>
--FILE--
<?php
require __DIR__ . '/../inc/components.inc';
use Swoole\Coroutine as Co;
use Swoole\NameResolver\{Context, Redis};

$server = new RedisServer();
$resolver = new Redis("redis://127.0.0.1:$server->port/3");
$work = function () use ($resolver) {
    var_dump($resolver->join('user', '127.0.0.1', 9501), $resolver->join('user', '127.0.0.1', 9502), $resolver->join('six', '::1', 9503));
    var_dump($resolver->getCluster('user')->count(), $resolver->getCluster('nobody'), $resolver->getCluster('six')->pop()['host']);
    swoole_name_resolver_add($resolver);
    $context = new Context(AF_INET, true);
    $found = [swoole_name_resolver_lookup('user', $context), swoole_name_resolver_lookup('user', $context)];
    sort($found);
    echo implode(' ', $found), ' ', swoole_name_resolver_lookup('six', new Context(AF_INET6, true)), "\n";
    swoole_name_resolver_remove($resolver);
    var_dump($resolver->leave('user', '127.0.0.1', 9501), $resolver->getCluster('user')->count(), $resolver->leave('user', '127.0.0.1', 9502));
    var_dump($resolver->getCluster('user'));
};
$work();
Co\run($work);
$plain = new \Redis();
$plain->connect('127.0.0.1', $server->port);
$plain->select(3);
var_dump($plain->sMembers('swoole:service:six'));
$server->stop();
try {
    $resolver->getCluster('user');
} catch (RedisException) {
    echo "no Redis\n";
}
?>
--EXPECT--
bool(true)
bool(true)
bool(true)
int(2)
NULL
string(3) "::1"
127.0.0.1:9501 127.0.0.1:9502 [::1]:9503
bool(true)
int(1)
bool(true)
NULL
bool(true)
bool(true)
bool(true)
int(2)
NULL
string(3) "::1"
127.0.0.1:9501 127.0.0.1:9502 [::1]:9503
bool(true)
int(1)
bool(true)
NULL
array(1) {
  [0]=>
  string(8) "::1:9503"
}
no Redis
