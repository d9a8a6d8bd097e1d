--TEST--
A class whose parent, interface or trait is being loaded is waited for by other coroutines
--EXTENSIONS--
swoole
--FILE--
<?php
$code = [
    'OfParent' => 'class OfParent extends ParentA { const Y = "parent"; }', 'ParentA' => 'class ParentA extends ParentB {}', 'ParentB' => 'class ParentB {}',
    'OfInterface' => 'class OfInterface implements InterfaceA { const Y = "interface"; }', 'InterfaceA' => 'interface InterfaceA {}',
    'OfTrait' => 'final class OfTrait { use TraitA; const Y = "trait"; }', 'TraitA' => 'trait TraitA {}',
    'OfBoth' => 'namespace { abstract class OfBoth extends ParentC implements InterfaceB { use TraitB; const Y = "both"; } }',
    'ParentC' => 'class ParentC {}', 'InterfaceB' => 'interface InterfaceB {}', 'TraitB' => 'trait TraitB {}',
];
$wanted = '';
$loads = [];
$folder = sys_get_temp_dir() . '/autoload_' . getmypid();
mkdir($folder);
spl_autoload_register(function (string $name) use ($code, $folder, &$wanted, &$loads) {
    $loads[] = $name;
    // Somebody wants the class at each step of its load.
    go(function () use ($wanted) {
        try {
            echo '  meanwhile: ' . constant("$wanted::Y") . "\n";
        } catch (Error $e) {
            echo '  meanwhile: ' . $e->getMessage() . "\n";
        }
    });
    Co::sleep(0.002);
    if (!isset($code[$name])) {
        return;
    }
    if (str_starts_with($name, 'Of')) {
        file_put_contents("$folder/$name.php", "<?php {$code[$name]}");
        require "$folder/$name.php";
        unlink("$folder/$name.php");
    } else {
        eval($code[$name]);
    }
});
foreach (['OfParent', 'OfInterface', 'OfTrait', 'OfBoth'] as $wanted) {
    Co\run(function () use ($wanted) {
        echo constant("$wanted::Y"), "\n";
    });
    echo implode(' ', $loads), "\n";
    $loads = [];
}
rmdir($folder);
?>
--EXPECT--
  meanwhile: parent
  meanwhile: parent
  meanwhile: parent
parent
OfParent ParentA ParentB
  meanwhile: interface
  meanwhile: interface
interface
OfInterface InterfaceA
  meanwhile: trait
  meanwhile: trait
trait
OfTrait TraitA
  meanwhile: both
  meanwhile: both
  meanwhile: both
  meanwhile: both
both
OfBoth TraitB ParentC InterfaceB
