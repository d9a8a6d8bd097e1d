--TEST--
The stubs are those of the loaded extension: scripts/stubs.php changes nothing, each file and each example is sound PHP
--EXTENSIONS--
swoole
mysqli
--SKIPIF--
<?php
if (PHP_MAJOR_VERSION . '.' . PHP_MINOR_VERSION !== '8.2' || PHP_ZTS) die('skip the stubs are generated with PHP 8.2, not thread-safe');
?>
--FILE--
<?php
require __DIR__ . '/../inc/kit.inc';
$root = dirname(kit(''));
$modules = array_merge(...array_map(fn ($name) => is_file($file = ini_get('extension_dir') . "/$name.so") ? ['-d', "extension=$file"] : [], ['mysqlnd', 'mysqli']));
[$status, $printed] = run_command([PHP_BINARY, '-n', ...$modules, ...extensions(), "$root/scripts/stubs.php", kit_folder()]);
echo "generator: $status ", $status ? $printed : '', "\n";
[$status, $printed] = run_command(['diff', '-r', "$root/stubs", kit_folder()]);
echo "differences (remedy: php -d extension=... scripts/stubs.php): $printed\n";

$files = array_keys(iterator_to_array(new RegexIterator(new RecursiveIteratorIterator(new RecursiveDirectoryIterator("$root/stubs")), '~\.php$~')));
[$status, $printed] = run_command(['sh', '-c', 'printf "%s\n" "$@" | xargs -n 1 -P 4 "$PHP" -n -l 2>&1 | grep -v "^No syntax errors"', 'sh', ...$files], ['PHP' => PHP_BINARY]);
echo 'many files: ', json_encode(count($files) > 100), ", faults: $printed\n";

$examples = 0;
foreach ($files as $file) {
    preg_match_all('~^ \* ```php\n(.*?)^ \* ```$~ms', file_get_contents($file), $found);
    foreach ($found[1] as $example) {
        try {
            PhpToken::tokenize('<?php ' . preg_replace('~^ \* ?~m', '', $example), TOKEN_PARSE);
            $examples++;
        } catch (ParseError $e) {
            echo "$file: {$e->getMessage()}\n$example\n";
        }
    }
}
echo 'examples: ', json_encode($examples >= 15), "\n";
?>
--EXPECT--
generator: 0 
differences (remedy: php -d extension=... scripts/stubs.php): 
many files: true, faults: 
examples: true
