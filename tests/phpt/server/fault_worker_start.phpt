--TEST--
Workers that throw when they start are restarted with growing delays, and the server can be shut down
--EXTENSIONS--
swoole
posix
--SKIPIF--
<?php is_dir('/proc/self') || die('skip /proc is needed'); ?>
--FILE--
<?php
require __DIR__ . '/../inc/fault.inc';
in_both_modes(function (string $mode) {
    $server = new FaultServer($mode, ['worker_num' => 2, 'task_worker_num' => 1], ['workerStart']);
    $server->wait_for('workerError', 9);
    sleep(2);
    $starts = count($server->events('workerStart'));
    check($starts >= 9 && $starts < 60, 'there is no storm of forks', $starts);
    check(str_contains($server->log(), 'times in a row'), 'it is logged', $server->log());
    check(str_contains($server->log(), 'Uncaught RuntimeException: out of workerStart'), 'the reason is logged', $server->log());
    $began = microtime(true);
    $server->stop();
    check(microtime(true) - $began < 5, 'the end does not wait for them', microtime(true) - $began);
});
echo "done";
?>
--EXPECT--
process
base
done
