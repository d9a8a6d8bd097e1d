--TEST--
A class that extends one of the library can be used above its declaration, under imported names and in namespaces
--EXTENSIONS--
swoole
--FILE--
<?php
namespace Own {
    use Swoole\{ArrayObject, Database\PDOPool as Pool};
    use Swoole\Coroutine as Co;

    echo (new Listing([1, 2]))->count(), ' ', is_subclass_of(Mine::class, \Swoole\ConnectionPool::class) ? 'a pool' : '', ' ', (new Client('x'))->name(), ' ', (new Text('abc'))->length(), "\n";
    include __DIR__ . '/early_binding.inc';

    class Listing extends ArrayObject {}
    class Mine extends Pool {}
    class Client extends Co\FastCGI\Client { function name() { return $this->host; } }
    class Text extends \Swoole\StringObject {}
}
namespace {
    echo get_parent_class('Fresh'), ' ', class_exists('Listing') ? 'wrong' : 'right', "\n";
    class Fresh extends Swoole\ObjectProxy {}
    class Listing2 extends Own\Listing {}
    try {
        eval('class Missing extends Swoole\Nothing {}');
    } catch (Error $e) {
        echo $e->getMessage(), "\n";
    }
}
?>
--EXPECT--
2 a pool x 3
in a file: Swoole\MultibyteStringObject
Swoole\ObjectProxy right
Class "Swoole\Nothing" not found
