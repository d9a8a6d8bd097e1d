--TEST--
Every message that the chapter "Errors explained" quotes is in the sources
--FILE--
<?php
$root = dirname(__DIR__, 3);
$sources = '';
$folders = ["$root/crates/swoosh/src", "$root/crates/swoosh-php/src", "$root/crates/swoosh-zend/src", "$root/scripts"];
foreach ($folders as $folder) {
    foreach (new RecursiveIteratorIterator(new RecursiveDirectoryIterator($folder, FilesystemIterator::SKIP_DOTS)) as $file) {
        if (preg_match('~\.(rs|c|php|sh)$~', $file) && !str_contains($file, '/tests')) {
            // A string that continues in the next line of the source, and an escaped backslash.
            $sources .= str_replace('\\\\', '\\', preg_replace('~\\\\\n\s*~', '', file_get_contents($file)));
        }
    }
}
// Messages that a type of errors puts together, from the parts that are in the sources.
$sources .= "\nreload: this server has no manager to replace its one worker\n";
str_contains($sources, 'operation: "reload", reason: "this server has no manager to replace its one worker"') || print "reload: the parts are not there\n";

/** Whether some string of the sources has this message; `…` is a placeholder there. */
$is_there = function (string $message) use ($sources): bool {
    $parts = array_map(fn ($part) => preg_quote($part, '~'), explode('…', $message));
    $placeholder = '(?:\{[^{}"\n]*\}|\$\(.*?\)|\$[\w]+|%\w)';
    return (bool) preg_match('~' . implode("(?:$placeholder ?)+", $parts) . '~', $sources);
};
$chapter = file_get_contents("$root/docs/book/src/reference/errors.md");
preg_match_all('~^\| `([^`]+)` \|~m', $chapter, $messages);
foreach ($messages[1] as $message) {
    $is_there($message) || print "not in the sources: $message\n";
}
echo count($messages[1]) > 40 ? 'many' : 'few', " messages\n";
echo json_encode([$is_there('no such … message as this'), $is_there('worker … does not exist any more')]), "\n";
?>
--EXPECT--
many messages
[false,false]
