--TEST--
A class that one coroutine autoloads is waited for by the others
--EXTENSIONS--
swoole
--FILE--
<?php
$loads = [];
spl_autoload_register(function (string $name) use (&$loads) {
    $loads[] = $name;
    Co::sleep(0.005);
    match ($name) {
        'Child1' => eval('class Child1 extends Parent1 { const Y = "child"; }'),
        'Parent1' => eval('class Parent1 {}'),
        'Missing' => null,
        'Throws' => throw new Exception('no'),
        // Two classes of which each needs the other to be loaded.
        'Left' => class_exists('Right') || eval('class Left {}'),
        'Right' => class_exists('Left') || eval('class Right {}'),
        default => eval("class $name { const Y = '$name'; }"),
    };
});
Co\run(function () {
    go(fn () => print('loads it: ' . SlowA::Y . "\n"));
    go(fn () => print('constant: ' . SlowA::Y . "\n"));
    go(fn () => print('class_exists: ' . json_encode(class_exists('SlowA')) . "\n"));
    go(fn () => print('unserialize: ' . get_class(unserialize('O:5:"SlowA":0:{}')) . "\n"));
});
sort($loads);
echo json_encode($loads), "\n";
$found = 0;
Co\run(function () use (&$found) {
    for ($i = 0; $i < 8; $i++) go(function () use ($i, &$found) {
        Co::sleep(0.001 * $i);
        $found += (int) (Child1::Y === 'child');
    });
});
echo "$found of 8 found a class whose parent was being loaded\n";
Co\run(function () {
    for ($i = 0; $i < 2; $i++) go(fn () => print(json_encode(class_exists('Missing')) . "\n"));
});
Co\run(function () {
    for ($i = 0; $i < 2; $i++) go(function () {
        try { class_exists('Throws'); echo "not thrown\n"; } catch (Exception $e) { echo $e->getMessage(), "\n"; }
    });
});
Co\run(function () {
    go(fn () => class_exists('Left'));
    go(fn () => class_exists('Right'));
});
echo "no circle: ", json_encode(class_exists('Left', false) || class_exists('Right', false)), "\n";
?>
--EXPECTF--
constant: SlowA
class_exists: true
unserialize: SlowA
loads it: SlowA
["SlowA"]
8 of 8 found a class whose parent was being loaded
false
false
no
no
no circle: true
