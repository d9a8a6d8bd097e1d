--TEST--
Every chapter of the book whose programs a reader could run has a test that runs them, and shell commands are well-formed
--FILE--
<?php
require __DIR__ . '/../inc/book.inc';
$tests = implode('', array_map(file_get_contents(...), glob(__DIR__ . '/*.phpt')));
$books = ['docs/book/src' => BOOK, 'docs/book-zh/src' => dirname(BOOK, 2) . '/book-zh/src'];
$counts = [];
foreach ($books as $book => $root) {
    foreach (new RecursiveIteratorIterator(new RecursiveDirectoryIterator($root, FilesystemIterator::SKIP_DOTS)) as $file) {
        if ($file->getExtension() !== 'md') {
            continue;
        }
        $name = substr($file, strlen($root) + 1, -3);
        $runs = false;
        foreach (blocks(file_get_contents($file)) as [$kind, $code, $line]) {
            $counts[$kind] = ($counts[$kind] ?? 0) + 1;
            $runs = $runs || in_array($kind, ['php', 'console', 'console,server']) && !str_starts_with($code, '{{#include');
            if ($kind === 'sh' && !str_starts_with($code, '{{#include')) {
                exec('bash -n -c ' . escapeshellarg($code) . ' 2>&1', $output, $status);
                $status === 0 || print "$book/$name.md:$line: the shell refuses this\n";
            }
            // Rust is compiled by the documentation tests of the crate, or is an example that is included.
            in_array($kind, ['comment', 'php', 'console', 'console,server', 'text', 'sh', 'ini', 'toml', 'sql', 'nginx', 'dockerfile', 'rust', 'rust,ignore', 'rust,no_run'])
                || print "$book/$name.md:$line: nothing tests blocks of the kind '$kind'\n";
            $kind !== 'rust,ignore' || str_starts_with($code, '{{#include') || print "$book/$name.md:$line: this Rust is never compiled\n";
        }
        $call = $book === 'docs/book/src' ? "chapter('$name'" : "chapter('../../book-zh/src/$name'";
        !$runs || str_contains($tests, $call) || print "$book/$name.md has no test\n";
    }
}
echo $counts['php'] > 30 && $counts['console'] > 15 ? "many blocks\n" : json_encode($counts) . "\n";
?>
--EXPECT--
many blocks
