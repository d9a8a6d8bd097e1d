--TEST--
The parity table states correctly for each class whether it exists
--EXTENSIONS--
swoole
--FILE--
<?php
preg_match_all('/^\| `(Swoo(?:le|sh)[A-Za-z0-9\\\\]*|swoole_client)` \| (\w+)/m', file_get_contents(__DIR__ . '/../../../docs/PARITY.md'), $rows, PREG_SET_ORDER);
var_dump(count($rows) > 100);
foreach ($rows as [, $class, $state]) {
    $there = class_exists($class) || interface_exists($class) || trait_exists($class);
    if ($there !== ($state !== 'missing')) {
        echo "$class is ", $there ? 'there' : 'not there', ", and docs/PARITY.md says: $state\n";
    }
}
foreach (get_declared_classes() as $class) {
    // An alias counts as the class it stands for.
    $class = new ReflectionClass($class);
    if ($class->getExtensionName() === 'swoole' && !in_array($class->getName(), array_column($rows, 1), true)) {
        echo "docs/PARITY.md has no row for {$class->getName()}\n";
    }
}
?>
--EXPECT--
bool(true)
