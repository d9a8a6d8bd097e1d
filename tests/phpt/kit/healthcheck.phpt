--TEST--
The health check of the kit works over TCP and Unix sockets, with curl, wget and PHP alone, and says that nothing answers
--EXTENSIONS--
swoole
posix
--SKIPIF--
<?php
foreach (['curl', 'wget'] as $program) {
    if (!trim((string) shell_exec("command -v $program"))) exit("skip $program is not installed");
}
?>
--FILE--
<?php
require __DIR__ . '/../inc/kit.inc';
$folder = kit_folder();
rename(kit_release('v1'), "$folder/v1");
$check = function (string $url, string ...$programs) use ($folder): string {
    // A path with these programs only.
    $path = "$folder/bin-" . implode('-', $programs);
    if (!is_dir($path)) {
        mkdir($path);
        foreach ($programs as $program) {
            symlink($program === 'php' ? PHP_BINARY : trim(shell_exec("command -v $program")), "$path/$program");
        }
    }
    [$status, $printed] = run_command([trim(shell_exec('command -v sh')), kit('healthcheck.sh'), $url, '5'], ['PATH' => $path]);
    // The programs' own messages come before.
    $last = trim(strrchr("\n" . trim($printed), "\n"));
    return "$status " . str_replace([$folder, (string) $GLOBALS['port']], ['FOLDER', 'PORT'], $last);
};
$port = free_port();
$server = kit_server("$folder/v1", $port);
foreach (['curl', 'wget', 'php'] as $program) {
    echo "$program: ", $check("http://127.0.0.1:$port/health", $program), "\n";
}
echo 'status ', $server->stop(), "\n";
foreach (['wget', 'php'] as $program) {
    echo "$program: ", $check("http://127.0.0.1:$port/health", $program), "\n";
}
putenv("SWOOSH_LISTEN=unix:$folder/http.sock");
$server = Example::command([...php_with_module(), kit('server.php'), "$folder/v1"]);
echo str_replace($folder, 'FOLDER', $server->waitFor('~^serving .*$~m')[0]), "\n";
echo 'unix: ', $check("unix:$folder/http.sock", 'curl'), "\n";
echo 'unix: ', $check("unix:$folder/http.sock", 'wget'), "\n";
$server->stop();
?>
--EXPECT--
curl: 0 {"status":"ok","releases":["v1"],"connections":1}
wget: 0 {"status":"ok","releases":["v1"],"connections":1}
php: 0 {"status":"ok","releases":["v1"],"connections":1}
status 0
wget: 1 unhealthy: http://127.0.0.1:PORT/health: no answer
php: 1 unhealthy: http://127.0.0.1:PORT/health: no answer
serving on unix:FOLDER/http.sock
unix: 0 {"status":"ok","releases":["v1"],"connections":1}
unix: 1 unhealthy: unix:FOLDER/http.sock: curl is needed for Unix sockets
