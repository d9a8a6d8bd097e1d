--TEST--
An object whose class did not call its parent's constructor throws instead of waiting or working by half
--EXTENSIONS--
swoole
--FILE--
<?php
class S extends Swoole\Coroutine\Socket { public function __construct() {} }
class C extends Swoole\Coroutine\Channel { public function __construct() {} }
class L extends Swoole\Lock { public function __construct() {} }
class P extends Swoole\Process { public function __construct() {} }
class Pool extends Swoole\Process\Pool { public function __construct() {} }
$calls = [fn () => (new S)->recv(), fn () => (new S)->connect('127.0.0.1', 1), fn () => (new C)->pop(), fn () => (new L)->lock(),
    fn () => (new P)->start(), fn () => (new Pool)->start()];
Co\run(function () use ($calls) {
    foreach ($calls as $call) {
        try {
            var_dump($call());
        } catch (Swoole\Error $e) {
            echo $e->getMessage(), "\n";
        }
    }
    $socket = new Co\Socket(AF_INET, SOCK_STREAM);
    $socket->close();
    var_dump($socket->recv(), $socket->errCode);
});
?>
--EXPECT--
must call constructor first
must call constructor first
must call constructor first
must call constructor first
must call constructor first
must call constructor first
bool(false)
int(9)
