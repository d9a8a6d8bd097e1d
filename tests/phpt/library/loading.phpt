--TEST--
Classes of the library are loaded on first use, before user autoloaders, in coroutines too, and exist from the start
--EXTENSIONS--
swoole
--FILE--
<?php
$asked = [];
spl_autoload_register(function (string $class) use (&$asked) { $asked[] = $class; });
echo count(preg_grep('~^Swoole\\\\ConnectionPool$~', get_declared_classes())), " loaded at first\n";
var_dump(class_exists('\Swoole\StringObject', false), interface_exists('Swoole\StringObject', false), class_exists('swoole\nothing', false));
class Child extends Swoole\ArrayObject {}
Co\run(function () {
    for ($i = 0; $i < 3; $i++) {
        go(fn () => print(get_class(new Swoole\ConnectionPool(fn () => 1)) . ' ' . Swoole\Constant::EVENT_WORKER_START . "\n"));
    }
});
var_dump(new Child([1]) instanceof Swoole\ArrayObject, is_subclass_of('Swoole\Database\PDOPool', 'Swoole\ConnectionPool'));
var_dump(unserialize('O:19:"Swoole\StringObject":1:{s:9:"' . "\0*\0" . 'string";s:1:"x";}')->toString());
try {
    _array()->get('none');
} catch (RuntimeException $e) {
    echo get_class($e), ' in ', basename($e->getFile()), "\n";
}
echo implode(' ', $asked) ?: 'no user autoloader was asked', "\n";
class_exists('Swoole\Nothing') || print(implode(' ', $asked) . " was asked\n");
echo shell_exec(PHP_BINARY . ' -n -d extension=' . escapeshellarg(preg_match('~/\S+(swoosh_php|swoole)\.so~', file_get_contents('/proc/self/maps'), $m) ? $m[0] : '')
    . ' -d swoole.enable_library=0 -r ' . escapeshellarg('var_dump(class_exists("Swoole\ArrayObject")); try { _array(); } catch (Error $e) { echo $e->getMessage(), "\n"; }'));
?>
--EXPECT--
0 loaded at first
bool(true)
bool(false)
bool(false)
Swoole\ConnectionPool workerStart
Swoole\ConnectionPool workerStart
Swoole\ConnectionPool workerStart
bool(true)
bool(true)
string(1) "x"
Swoole\Exception\ArrayKeyNotExists in array_object.php
no user autoloader was asked
Swoole\Nothing was asked
bool(false)
Swoole\ArrayObject::from() is not available: swoole.enable_library is off
