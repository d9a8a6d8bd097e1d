--TEST--
Archives of the extension have the name that PIE looks for and no symbols; the installer takes the right one and no damaged one
--EXTENSIONS--
swoole
posix
--SKIPIF--
<?php
foreach (['objcopy', 'readelf', 'python3', 'git'] as $program) {
    if (!trim((string) shell_exec("command -v $program"))) exit("skip $program is not installed");
}
if (!is_executable(PHP_BINDIR . '/php-config')) exit('skip php-config is not installed');
?>
--FILE--
<?php
require __DIR__ . '/../inc/kit.inc';
$root = dirname(kit(''));
$folder = kit_folder();
$dist = "$folder/dist";
$ask = function (array $command, array $environment = []) use ($folder): string {
    [$status, $printed] = run_command($command, $environment);
    return trim("$status " . str_replace($folder, 'FOLDER', $printed));
};

// Without debug information, which only costs time here.
run_command(['objcopy', '--strip-debug', swoosh(), "$folder/small.so"]);
[$status, $printed] = run_command(['sh', "$root/scripts/dist.sh", PHP_BINARY, PHP_BINDIR . '/php-config', "$folder/small.so", $dist], ['DIST_COMPRESSION' => '1']);
echo "dist: $status ", $status ? $printed : '', "\n";
preg_match('~^version = "(.*)"~m', file_get_contents("$root/Cargo.toml"), $version);
$arch = ['aarch64' => 'arm64'][php_uname('m')] ?? php_uname('m');
$libc = str_contains((string) shell_exec('ldd --version 2>&1'), 'musl') ? 'musl' : 'glibc';
$name = sprintf('php_swoole-%s_php%d.%d-%s-linux-%s%s%s', $version[1], PHP_MAJOR_VERSION, PHP_MINOR_VERSION, $arch, $libc, PHP_DEBUG ? '-debug' : '', PHP_ZTS ? '-zts' : '');
$there = array_map(basename(...), glob("$dist/*"));
echo 'the archive for PIE: ', json_encode(in_array("$name.zip", $there)), "\n";
[$status] = run_command(['sh', '-c', "cd $dist && sha256sum -c --strict SHA256SUMS"]);
echo "sums: $status, of all files: ", json_encode(count(file("$dist/SHA256SUMS")) === count($there) - 1), "\n";

mkdir("$folder/unpacked");
run_command(['python3', '-m', 'zipfile', '-e', "$dist/$name.zip", "$folder/unpacked"]);
echo 'files: ', implode(' ', array_diff(scandir("$folder/unpacked"), ['.', '..'])), "\n";
$sections = shell_exec("readelf -SW $folder/unpacked/swoole.so");
echo 'symbols: ', json_encode(str_contains($sections, '.symtab')), ', link to them: ', json_encode(str_contains($sections, '.gnu_debuglink'));
echo ', apart: ', json_encode(str_contains(shell_exec("readelf -SW $dist/$name.debug"), '.symtab')), "\n";
$manifest = json_decode(file_get_contents("$folder/unpacked/manifest.json"), true);
echo 'manifest: ', json_encode($manifest['thread_safe'] === (bool) PHP_ZTS && $manifest['version'] === $version[1] && strlen($manifest['php_api']) === 8), "\n";

echo "== installer\n";
mkdir("$folder/extensions");
mkdir("$folder/ini");
$install = ['sh', "$dist/install.sh", '--php', PHP_BINARY, '--extension-dir', "$folder/extensions", '--ini-dir', "$folder/ini"];
echo str_replace($version[1], 'VERSION', $ask($install)), "\n";
echo $ask([PHP_BINARY, '-d', "extension_dir=$folder/extensions", '-r', 'echo extension_loaded("swoole") ? "loaded" : "not loaded";'], ['PHP_INI_SCAN_DIR' => "$folder/ini"]), "\n";
$before = sha1_file("$folder/extensions/swoole.so");
file_put_contents("$dist/$name.zip", 'x', FILE_APPEND);
echo preg_replace('~\b[0-9a-f]{64}\b~', 'SUM', str_replace($name, 'NAME', $ask($install))), "\n";
file_put_contents("$dist/SHA256SUMS", str_replace("$name.zip", "php_swoole-$version[1]_php7.4-sparc-linux-glibc.zip", file_get_contents("$dist/SHA256SUMS")));
echo preg_replace('~\(php_swoole\S+\)~', '(NAME)', str_replace($version[1], 'VERSION', $ask([...$install, '--version', $version[1]]))), "\n";
echo 'the installed file is unchanged: ', json_encode(sha1_file("$folder/extensions/swoole.so") === $before), "\n";

echo "== make run\n";
// A checkout of the same version.
$tree = "$folder/tree";
mkdir("$tree/crates", 0755, true);
exec("cp -r $root/scripts $root/Cargo.toml $root/Cargo.lock $tree");
$prebuilt = fn () => str_replace($name, 'NAME', $ask(['sh', "$tree/scripts/prebuilt.sh", PHP_BINARY, "$folder/target", $dist]));
echo $prebuilt(), "\n";
truncate_by_one("$dist/$name.zip");
unlink("$dist/SHA256SUMS");
echo $prebuilt(), "\n";
touch("$tree/crates/changed.rs");
exec("cd $tree && git init -q && git add . && git -c user.name=test -c user.email=test@localhost commit -q -m test 2>&1");
echo $prebuilt(), "\n";
file_put_contents("$tree/Cargo.toml", str_replace("\"$version[1]\"", '"99.0.0"', file_get_contents("$tree/Cargo.toml")));
echo $prebuilt(), "\n";

// Without one: the build says how long it will take, and whether it is the first.
$build = fn () => preg_replace('~\b\d+ (minutes|cores?|seconds)~', 'N $1', $ask(['sh', "$tree/scripts/build.sh", 'echo', "$folder/target", '--locked']));
echo $build(), "\n";
mkdir("$folder/target/release/deps", 0755, true);
echo $build(), "\n";

function truncate_by_one(string $file): void
{
    $handle = fopen($file, 'r+');
    ftruncate($handle, filesize($file) - 1);
    fclose($handle);
}
?>
--EXPECT--
dist: 0 
the archive for PIE: true
sums: 0, of all files: true
files: LICENSE manifest.json swoole.so
symbols: false, link to them: true, apart: true
manifest: true
== installer
0 install: FOLDER/extensions/swoole.so, version VERSION
install: enabled by FOLDER/ini/99-swoole.ini
0 loaded
1 install: NAME.zip has the SHA-256 SUM, not SUM: it is damaged or not the published file
1 install: there is no build for this PHP (NAME), only: php_swoole-VERSION_php7.4-sparc-linux-glibc . `make install` in the source builds one
the installed file is unchanged: true
== make run
1 NAME.zip is not in SHA256SUMS
0 swoosh: using FOLDER/dist/NAME.zip
FOLDER/target/prebuilt/NAME/swoole.so
1 swoosh: FOLDER/dist/NAME.zip is not used: it was built from another source than this
1
0 swoosh: building the extension: about N minutes with N cores, once
build --release -p swoosh-php --locked
swoosh: built in N seconds
0 swoosh: building what has changed since the last time: up to N minutes
build --release -p swoosh-php --locked
swoosh: built in N seconds
