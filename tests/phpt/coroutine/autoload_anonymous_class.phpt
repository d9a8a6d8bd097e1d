--TEST--
An anonymous class whose parent, interface and trait are being loaded is linked once, however many coroutines declare it
--EXTENSIONS--
swoole
--FILE--
<?php
spl_autoload_register(function (string $name) {
    Co::sleep(0.002);
    match ($name) {
        'AnyParent' => eval('abstract class AnyParent implements AnyInterface { public $x = 1; }'),
        'AnyInterface' => eval('interface AnyInterface {}'),
        'AnyTrait' => eval('trait AnyTrait { function y() { return 2; } }'),
        default => null,
    };
});
$declare = fn () => new class extends AnyParent implements AnyInterface { use AnyTrait; };
$missing = fn () => new class extends NoParent {};
Co\run(function () use ($declare, $missing) {
    for ($i = 0; $i < 4; $i++) {
        go(function () use ($declare, $missing) {
            $object = $declare();
            echo $object->x, $object->y(), ' ', get_class($object) === get_class($declare()) ? 'one class' : 'several', "\n";
            try {
                $missing();
            } catch (Error $e) {
                echo $e->getMessage(), "\n";
            }
        });
    }
});
?>
--EXPECT--
12 one class
12 one class
12 one class
12 one class
Class "NoParent" not found
Class "NoParent" not found
Class "NoParent" not found
Class "NoParent" not found
