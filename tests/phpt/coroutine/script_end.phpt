--TEST--
A script that ends with waiting coroutines runs their finally blocks and destructors once, after the shutdown functions
--EXTENSIONS--
swoole
--FILE--
<?php
use Swoole\Coroutine as Co;
class D { function __construct(public string $n) {} function __destruct() { echo "destructor {$this->n}\n"; } }
Co::set(['enable_deadlock_check' => false]);
register_shutdown_function(function () { echo 'shutdown function, waiting ', Co::stats()['coroutine_num'], "\n"; });
$make = function (string $n, callable $wait) {
    go(function () use ($n, $wait) {
        $d = new D($n);
        try { $wait(); echo "never\n"; }
        catch (Throwable $e) { echo "never caught\n"; }
        finally { echo "finally $n, sleep gives ", var_export(Co::sleep(5), true), "\n"; }
    });
};
$make('yield', fn () => Co::yield());
$make('pop', fn () => (new Co\Channel(1))->pop());
$make('nested', fn () => array_map(fn ($x) => Co::yield(), [1, 2]));
$make('fiber', fn () => (new Fiber(fn () => Co::yield()))->start());
$make('generator', function () { foreach ((function () { yield Co::yield(); })() as $_); });
echo "script end\n";
?>
--EXPECT--
script end
shutdown function, waiting 5
finally yield, sleep gives true
destructor yield
finally pop, sleep gives true
destructor pop
finally nested, sleep gives true
destructor nested
finally fiber, sleep gives true
destructor fiber
finally generator, sleep gives true
destructor generator
