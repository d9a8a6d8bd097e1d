--TEST--
The files of the kit for systemd and OpenRC are accepted, the service has few rights, and the scripts are sound
--EXTENSIONS--
swoole
posix
--SKIPIF--
<?php
require __DIR__ . '/../inc/components.inc';
need_components('systemd-analyze', 'shellcheck');
?>
--FILE--
<?php
require __DIR__ . '/../inc/kit.inc';
require __DIR__ . '/../inc/components.inc';
$php = ['/usr/bin/php' => PHP_BINARY];
kit_copy('systemd/swoosh.socket', []);
$service = kit_copy('systemd/swoosh.service', $php);
[$status, $printed] = run_command(['systemd-analyze', 'verify', '--man=no', $service]);
echo "verify: $status ", preg_replace('~^(?!.*swoosh).*\n~m', '', $printed), "\n";
// From 0 (nothing is left open) to 10; a service without hardening has 9.6.
[$status, $printed] = run_command(['systemd-analyze', 'security', '--offline=true', '--threshold=20', '--no-pager', $service]);
echo 'rights: ', preg_match('~Overall exposure level for swoosh.service: [01]\.\d OK~', $printed) ? 'few' : substr($printed, -200), ", $status\n";
$socket = file_get_contents(kit('systemd/swoosh.socket'));
preg_match('~^ListenStream=(.*)$~m', $socket, $listens);
preg_match('~^Environment=SWOOSH_LISTEN=(.*)$~m', file_get_contents(kit('systemd/swoosh.service')), $wanted);
echo 'one address in both: ', json_encode($listens[1] === $wanted[1]), "\n";
[$status, $printed] = run_command(['shellcheck', ...glob(kit('*.sh')), kit('openrc/swoosh')]);
echo "shellcheck: $status $printed\n";
preg_match_all('~kit/[\w./-]+~', file_get_contents(kit('Containerfile')), $named);
echo 'the container has what it names: ', json_encode(array_filter($named[0], fn ($file) => !is_file(dirname(kit('')) . "/$file")) === []), "\n";
if (Component::find('openrc-run')) {
    [$status, $printed] = run_command(['openrc-run', kit('openrc/swoosh'), 'describe']);
    echo 'openrc: ', preg_match('~reload: Replace.*reopen: Open~s', $printed) ? 'reload, reopen' : $printed, "\n";
} else {
    echo "openrc: reload, reopen\n";
}
?>
--EXPECT--
verify: 0 
rights: few, 0
one address in both: true
shellcheck: 0 
the container has what it names: true
openrc: reload, reopen
