--TEST--
The extension imports no function that only later patch releases of a PHP version have, so that earlier ones load it
--EXTENSIONS--
swoole
--SKIPIF--
<?php
if (!trim((string) shell_exec('command -v nm'))) die("skip nm is not installed (Debian's package binutils)");
?>
--FILE--
<?php
require __DIR__ . '/../inc/example.inc';
$imports = explode("\n", shell_exec('nm -D --undefined-only ' . escapeshellarg(swoosh())));
$imports = array_map(fn ($line) => substr($line, strrpos($line, ' ') + 1), $imports);
echo in_array('_emalloc', $imports) || preg_grep('~^_emalloc~', $imports) ? "allocates\n" : "no imports\n";
// Debian's 8.2.36 has variants of allocating functions, with f for fallible, which its headers refer to.
echo implode(' ', preg_grep('~^(_(safe_)?f[ecr]?e?(malloc|calloc|realloc2?)|smart_str_f\w*realloc|zend_hash_\w*f(init|grow|update|insert|lookup)\w*|zend_mm_\w*fallible)$~', $imports)), "\n";
?>
--EXPECT--
allocates

