--TEST--
Every program of examples/php has a test, and every server takes its port in the standard way
--FILE--
<?php
require __DIR__ . '/../inc/example.inc';
$tests = implode('', array_map(file_get_contents(...), glob(__DIR__ . '/*.phpt')));
foreach ([...glob(examples() . '/*.php'), ...glob(examples() . '/*/*.php')] as $file) {
    $name = substr($file, strlen(examples()) + 1, -strlen('.php'));
    if (in_array($name, ['reload_logic', 'grpc_messages'])) { // loaded by other examples
        continue;
    }
    preg_match("~Example::(start|run)\('$name'~", $tests) || print "$name has no test\n";
    $serves = str_contains(file_get_contents($file), '9501');
    !$serves || str_contains(file_get_contents($file), '$port = (int) ($argv[1] ?? $_SERVER[\'SWOOSH_PORT\'] ?? 9501);')
        || print "$name does not take its port as the others do\n";
}
echo "done\n";
?>
--EXPECT--
done
