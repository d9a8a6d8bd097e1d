--TEST--
supervisor keeps a server of the kit, reloads it by a signal, and ends it in order
--EXTENSIONS--
swoole
posix
--SKIPIF--
<?php
require __DIR__ . '/../inc/components.inc';
need_components('supervisord');
?>
--FILE--
<?php
require __DIR__ . '/../inc/kit.inc';
require __DIR__ . '/../inc/http.inc';
$folder = kit_folder();
$port = free_port();
rename(kit_release('v1'), "$folder/v1");
rename(kit_release('v2'), "$folder/v2");
symlink('v1', "$folder/current");
$user = posix_getpwuid(posix_getuid())['name'];
$program = kit_copy('supervisor/swoosh.conf', [
    '/usr/bin/php /srv/app/server.php /srv/app/current' => implode(' ', [...php_with_module(), kit('server.php'), "$folder/current"]),
    'directory=/srv/app' => "directory=$folder", 'user=www-data' => "user=$user", '0.0.0.0:9501' => "127.0.0.1:$port",
    '/run/swoosh/swoosh.pid' => "$folder/pid", '/var/log/swoosh/swoosh.log' => "$folder/log",
]);
$daemon = "[supervisord]\nnodaemon=true\nlogfile=$folder/supervisord.log\npidfile=$folder/supervisord.pid\nuser=$user\n"
    . "[unix_http_server]\nfile=$folder/control\n[supervisorctl]\nserverurl=unix://$folder/control\n"
    . "[rpcinterface:supervisor]\nsupervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface\n"
    . "[include]\nfiles=$program\n";
file_put_contents("$folder/supervisord.conf", $daemon);
$supervisor = Example::command(['supervisord', '-c', "$folder/supervisord.conf"]);
$control = fn (string ...$command) => run_command(['supervisorctl', '-c', "$folder/supervisord.conf", ...$command])[1];

until(fn () => str_contains($control('status'), 'RUNNING'));
$GLOBALS['port'] = $port;
echo http_ask('GET / HTTP/1.1')[2], "\n";
[$status, $health] = run_command(['sh', kit('healthcheck.sh'), "http://127.0.0.1:$port/health"]);
echo "health: $status, $health";
symlink('v2', "$folder/next");
rename("$folder/next", "$folder/current");
$control('signal', 'USR1', 'swoosh');
until(fn () => str_contains(http_ask('GET /health HTTP/1.1')[2], '["v2"]'));
echo http_ask('GET / HTTP/1.1')[2], "\n";
$head = (int) file_get_contents("$folder/pid");
echo 'stop: ', trim($control('stop', 'swoosh')), "\n";
// The process had this pid file while it ran, and removed it: it ended in order.
echo 'its processes are gone: ', json_encode(!posix_kill($head, 0)), ', its pid file too: ', json_encode(!file_exists("$folder/pid")), "\n";
[$status, $health] = run_command(['sh', kit('healthcheck.sh'), "http://127.0.0.1:$port/health"]);
echo "health: $status, ", explode(': http', strstr($health, 'unhealthy'))[0], "\n";
$supervisor->stop();
?>
--EXPECT--
greeting of v1 of v1 at v1
health: 0, {"status":"ok","releases":["v1"],"connections":1}
greeting of v2 of v2 at v2
stop: swoosh: stopped
its processes are gone: true, its pid file too: true
health: 1, unhealthy
