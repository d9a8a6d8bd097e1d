--TEST--
A server of the kit makes no system call that its systemd unit forbids
--EXTENSIONS--
swoole
posix
--SKIPIF--
<?php
require __DIR__ . '/../inc/components.inc';
need_components('systemd-analyze');
exec('strace -o /dev/null true 2>&1', $output, $status);
if ($status) exit('skip strace is not installed, or may not trace');
?>
--FILE--
<?php
require __DIR__ . '/../inc/kit.inc';
$folder = kit_folder();
$port = free_port();

// The groups of calls, and those that the unit allows.
$groups = [];
foreach (explode("\n", run_command(['systemd-analyze', '--no-pager', 'syscall-filter'])[1]) as $line) {
    if (str_starts_with($line, '@')) {
        $groups[$group = trim($line)] = [];
    } elseif (isset($group) && trim($line) !== '' && !str_starts_with(trim($line), '#')) {
        $groups[$group][] = trim($line);
    }
}
$expand = function (string $name) use (&$expand, $groups): array {
    return $name[0] === '@' ? array_merge(...array_map($expand, $groups[$name])) : [$name];
};
preg_match('~^SystemCallFilter=(.*)$~m', file_get_contents(kit('systemd/swoosh.service')), $filter);
$allowed = array_merge(...array_map($expand, explode(' ', $filter[1])));

rename(kit_release('v1', 'file_get_contents(__FILE__); shell_exec("true"); gethostbyname("localhost");'), "$folder/v1");
foreach (['SWOOSH_LISTEN' => "127.0.0.1:$port", 'SWOOSH_WORKERS' => '2', 'SWOOSH_PID_FILE' => "$folder/pid"] as $name => $value) {
    putenv("$name=$value");
}
$server = Example::command(['strace', '-f', '-qq', '-o', "$folder/calls", ...php_with_module(), kit('server.php'), "$folder/v1"]);
$server->waitFor('~^serving ~m');
$ask = fn () => (string) file_get_contents("http://127.0.0.1:$port/slow");
until(fn () => $ask() === 'greeting of v1 of v1 at v1');
posix_kill((int) file_get_contents("$folder/pid"), SIGUSR1);
echo $ask(), "\n";
posix_kill((int) file_get_contents("$folder/pid"), SIGTERM);
echo 'status ', $server->end(), "\n";
preg_match_all('~^\d+ +([a-z]\w*)\(~m', file_get_contents("$folder/calls"), $found);
$used = array_unique($found[1]);
preg_match('~^RestrictAddressFamilies=(.*)$~m', file_get_contents(kit('systemd/swoosh.service')), $families);
preg_match_all('~ socket(?:pair)?\((AF_\w+)~', file_get_contents("$folder/calls"), $sockets);
echo 'forbidden sockets:', implode(' ', array_diff(array_unique($sockets[1]), explode(' ', $families[1]))), "\n";
echo 'many calls: ', json_encode(count($used) > 40), ', forbidden: ', implode(' ', array_diff($used, $allowed)), "\n";
?>
--EXPECT--
greeting of v1 of v1 at v1
status 0
forbidden sockets:
many calls: true, forbidden:
