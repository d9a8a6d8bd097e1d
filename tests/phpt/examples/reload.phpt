--TEST--
Example reload.php: new workers load the new code, connections stay
--EXTENSIONS--
swoole
posix
--FILE--
<?php
require __DIR__ . '/../inc/example.inc';
$logic = tempnam(sys_get_temp_dir(), 'swoosh');
register_shutdown_function(fn () => unlink($logic));
$code = file_get_contents(examples() . '/reload_logic.php');
file_put_contents($logic, $code);
$server = Example::start('reload', $logic);
$client = $server->connect();
preg_match('~^(.*) \(process (\d+)\)$~', $client->ask('Ann'), $first);
echo $first[1], "\n";
file_put_contents($logic, str_replace('Good morning', 'Good evening', $code));
preg_match('~^(.*) \(process (\d+)\)$~', $client->ask('Bob'), $second);
echo $second[1], ' same process ', json_encode($first[2] === $second[2]), "\n";
echo $client->ask('reload'), "\n";
until(function () use ($client, $first, &$third) {
    return preg_match('~^(.*) \(process (\d+)\)$~', $client->ask('Cal'), $third) && $third[2] !== $first[2];
});
echo $third[1], "\n";
echo $server->waitFor('~^the workers are being replaced$~m')[0], "\n";
echo 'status ', $server->stop(), "\n";
?>
--EXPECT--
Good morning, Ann
Good morning, Bob same process true
reloading
Good evening, Cal
the workers are being replaced
status 0
