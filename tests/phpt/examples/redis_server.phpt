--TEST--
Example redis_server.php answers redis-cli and phpredis
--EXTENSIONS--
swoole
posix
--SKIPIF--
<?php require __DIR__ . '/../inc/components.inc'; need_components('redis-server', 'redis'); ?>
--FILE--
<?php
require __DIR__ . '/../inc/example.inc';
$server = Example::start('redis_server');
$port = $server->ports[0];
$cli = fn (string ...$words) => trim(shell_exec("redis-cli -p $port " . implode(' ', array_map(escapeshellarg(...), $words)) . ' 2>&1'));
foreach ([['ping'], ['SET', 'greeting', 'hello, world'], ['get', 'greeting'], ['get', 'none'], ['mget', 'greeting', 'none'], ['set', 'b', ''], ['keys', '*'], ['dbsize'], ['del', 'greeting', 'x'], ['nope'], ['set', 'a']] as $words) {
    echo implode(' ', $words), ' -> ', json_encode($cli(...$words)), "\n";
}
$redis = new Redis();
$redis->connect('127.0.0.1', $port);
var_dump($redis->set('key', "two\r\nlines"), $redis->get('key'), $redis->del('key', 'none'), $redis->get('key'));
// Many commands in one packet.
$pipe = $redis->multi(Redis::PIPELINE);
for ($i = 0; $i < 200; $i++) $pipe->set("k$i", "v$i")->get("k$i");
$replies = $pipe->exec();
$good = true;
for ($i = 0; $i < 200; $i++) $good = $good && $replies[2 * $i] === true && $replies[2 * $i + 1] === "v$i";
var_dump(count($replies), $good);
$out = (string) shell_exec("redis-benchmark -p $port -t ping,set,get -P 8 -c 20 -n 4000 --csv 2>/dev/null");
foreach (['PING_INLINE', 'PING_MBULK', 'SET', 'GET'] as $test) echo $test, ' ', preg_match("~^\"$test\",\"\d~m", $out), "\n";
echo 'status ', $server->stop(), "\n";
?>
--EXPECT--
ping -> "PONG"
SET greeting hello, world -> "OK"
get greeting -> "hello, world"
get none -> ""
mget greeting none -> "hello, world"
set b  -> "OK"
keys * -> "b\ngreeting"
dbsize -> "2"
del greeting x -> "1"
nope -> "ERR unknown command 'nope'"
set a -> "ERR wrong number of arguments for 'set' command"
bool(true)
string(10) "two
lines"
int(1)
bool(false)
int(400)
bool(true)
PING_INLINE 1
PING_MBULK 1
SET 1
GET 1
status 0
