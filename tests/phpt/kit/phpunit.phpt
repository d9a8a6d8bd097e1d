--TEST--
PHPUnit runs tests in coroutines; their failures, their exceptions and what they leave behind are theirs
--EXTENSIONS--
swoole
posix
--SKIPIF--
<?php
require __DIR__ . '/../inc/components.inc';
need_components('phpunit');
foreach (['dom', 'mbstring', 'tokenizer', 'xml', 'xmlwriter'] as $name) {
    if (!extension_loaded($name)) exit("skip phpunit needs $name");
}
?>
--FILE--
<?php
require __DIR__ . '/../inc/kit.inc';
require __DIR__ . '/../inc/components.inc';
$run = function (string $program, string $test): string {
    [$status, $printed] = run_command([PHP_BINARY, '-d', 'extension=' . swoosh(), $program, '--no-configuration', '--do-not-cache-result', $test]);
    preg_match('~^(OK \(.*\)|Tests: .*)$~m', $printed, $summary);
    preg_match_all('~^\d+\) (\w+::\w+)\s*\n(.*?)(?: at \S+:\d+)?$~m', $printed, $failures, PREG_SET_ORDER);
    return implode("\n", ["$status: " . ($summary[1] ?? $printed), ...array_map(fn ($f) => "$f[1]: $f[2]", $failures)]) . "\n";
};
$phpunit = Component::find('phpunit');
echo $run($phpunit, kit('phpunit/ExampleTest.php'));
echo $run(kit('phpunit/co-phpunit'), kit('phpunit/ExampleTest.php'));

$test = kit_folder() . '/FaultsTest.php';
file_put_contents($test, str_replace('TRAIT', kit('phpunit/InCoroutines.php'), <<<'PHP'
    <?php
    require_once 'TRAIT';
    final class FaultsTest extends PHPUnit\Framework\TestCase
    {
        use InCoroutines;
        public function testAssertion(): void
        {
            $this->inCoroutines(fn () => $this->assertSame(1, 2));
        }
        public function testAssertionBeside(): void
        {
            $this->inCoroutines(fn () => $this->together(fn () => $this->fail('beside'), fn () => Co::sleep(0.001)));
        }
        public function testHangs(): void
        {
            $this->inCoroutines(fn () => (new Swoole\Coroutine\Channel())->pop(), 0.05);
        }
        public function testLeavesACoroutine(): void
        {
            $this->inCoroutines(function () {
                go(fn () => Co::sleep(100));
                $this->assertTrue(true);
            }, 0.05);
        }
        public function testOneAfterThem(): void
        {
            $this->assertSame(3, $this->inCoroutines(fn () => 3));
        }
    }
    PHP));
echo $run($phpunit, $test);
echo $run(kit('phpunit/co-phpunit'), $test);
?>
--EXPECT--
0: OK (3 tests, 4 assertions)
0: OK (3 tests, 4 assertions)
1: Tests: 5, Assertions: 4, Failures: 4.
FaultsTest::testAssertion: Failed asserting that 2 is identical to 1.
FaultsTest::testAssertionBeside: beside
FaultsTest::testHangs: the test still waits after 0.05 s,
FaultsTest::testLeavesACoroutine: a coroutine that the test left still waits after 0.05 s,
1: Tests: 5, Assertions: 4, Failures: 4.
FaultsTest::testAssertion: Failed asserting that 2 is identical to 1.
FaultsTest::testAssertionBeside: beside
FaultsTest::testHangs: the test still waits after 0.05 s,
FaultsTest::testLeavesACoroutine: a coroutine that the test left still waits after 0.05 s,
