--TEST--
The first program of the README runs, and its list of examples is complete
--EXTENSIONS--
swoole
posix
--FILE--
<?php
require __DIR__ . '/../inc/example.inc';
$root = dirname(examples(), 2);
$readme = file_get_contents("$root/README.md");
preg_match('~^```php\n(.*?)^```~ms', $readme, $program);
$file = tempnam(sys_get_temp_dir(), 'swoosh');
register_shutdown_function(fn () => unlink($file));
// A free port, and a line that prints it.
$changes = ['9501' => '0', '$server->start();' => 'echo "port $server->port\n"; $server->start();'];
file_put_contents($file, strtr($program[1], $changes));
$server = Example::command([PHP_BINARY, '-n', ...extensions(), $file]);
$client = new Lines((int) $server->waitFor('~^port (\d+)$~m')[1]);
echo $client->ask('hello'), "\n";
echo 'status ', $server->stop(SIGINT), "\n";

foreach (['examples/php/*.php', 'examples/php/*/', 'crates/swoosh/examples/*.rs'] as $kind) {
    foreach (glob("$root/$kind") as $example) {
        $name = basename($example, '.rs') . (is_dir($example) ? '/' : '');
        str_contains($readme, "`$name`") || $name === 'reload_logic.php' || print "$name is not listed\n";
    }
}
?>
--EXPECT--
you said hello
status 0
