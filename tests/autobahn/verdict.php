<?php
// Reads the report's index; status 1 unless so many cases ran and every one passed.
[, $index, $count] = $argv;
$cases = array_merge(...array_values(json_decode(file_get_contents($index), true, flags: JSON_THROW_ON_ERROR)));
// What these two words mean is not held against a server: the case asks for no certain behaviour.
$passes = fn (string $word) => in_array($word, ['OK', 'INFORMATIONAL'], true);
$failed = array_filter($cases, fn ($case) => !$passes($case['behavior']) || !$passes($case['behaviorClose']));
foreach ($failed as $id => $case) {
    echo "$id: $case[behavior], close: $case[behaviorClose]\n";
}
printf("%d cases, %d of them failed\n", count($cases), count($failed));
if ($failed || count($cases) < $count) {
    echo count($cases) < $count ? "$count were to be run\n" : '';
    exit(1);
}
