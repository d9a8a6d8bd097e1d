<?php
// Tests in coroutines, for PHPUnit 9 and newer: copy this file, and use the trait in test cases.

use Swoole\Coroutine;
use Swoole\Coroutine\Channel;

trait InCoroutines
{
    /**
     * Runs a test in a coroutine, with PHP's functions hooked, and returns its result. Exceptions and failed assertions are
     * those of the test.
     *
     * @param float $seconds the test fails if it takes longer, or leaves a coroutine that does
     */
    protected function inCoroutines(callable $test, float $seconds = 10.0): mixed
    {
        $result = $failure = null;
        $before = [...Coroutine::list()];
        $run = function () use ($test, $seconds, $before, &$result, &$failure): void {
            $done = new Channel();
            $of_test = go(function () use ($test, $done, &$result, &$failure): void {
                try {
                    $result = $test();
                } catch (Throwable $e) {
                    $failure = $e;
                }
                $done->close();
            });
            $end = microtime(true) + $seconds;
            $done->pop($seconds);
            $left = fn (): array => array_diff([...Coroutine::list()], $before, [Coroutine::getCid()]);
            while ($left() && microtime(true) < $end) {
                Coroutine::sleep(0.001);
            }
            foreach ($left() as $id) {
                $frame = Coroutine::getBackTrace($id, DEBUG_BACKTRACE_IGNORE_ARGS, 1)[0] ?? [];
                $what = $id === $of_test ? 'the test' : 'a coroutine that the test left';
                $failure ??= new PHPUnit\Framework\AssertionFailedError(
                    "$what still waits after $seconds s, at " . ($frame['file'] ?? '?') . ':' . ($frame['line'] ?? '?')
                );
            }
            // Their waits fail from now on. One that goes on in spite of that keeps the test from ending.
            while ($ids = $left()) {
                array_map(Coroutine::cancel(...), $ids);
                Coroutine::sleep(0.001);
            }
        };
        Coroutine::getCid() > 0 ? $run() : Coroutine\run($run);
        return $failure === null ? $result : throw $failure;
    }

    /** Runs functions beside each other; returns their results by key. The first exception is thrown when all have ended. */
    protected function together(callable ...$functions): array
    {
        $results = [];
        $failure = null;
        $all = [];
        foreach ($functions as $key => $function) {
            $all[] = go(function () use ($key, $function, &$results, &$failure): void {
                try {
                    $results[$key] = $function();
                } catch (Throwable $e) {
                    $failure ??= $e;
                }
            });
        }
        Coroutine::join(array_filter($all, Coroutine::exists(...)));
        $failure === null || throw $failure;
        ksort($results);
        return $results;
    }
}
