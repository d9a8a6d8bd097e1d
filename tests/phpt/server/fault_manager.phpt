--TEST--
A server whose manager or master is killed ends and leaves nothing behind
--EXTENSIONS--
swoole
posix
--SKIPIF--
<?php is_dir('/proc/self') || die('skip /proc is needed'); ?>
--FILE--
<?php
require __DIR__ . '/../inc/fault.inc';
foreach (['master', 'manager'] as $n => $who) {
    $server = new FaultServer('process', ['task_worker_num' => 1]);
    $server->wait_for('workerStart', 3);
    $pids = explode(' ', (new FaultClient($server->port))->ask('pids'));
    $began = microtime(true);
    posix_kill((int) $pids[$n], SIGKILL);
    check($server->wait() !== 0, "$who: the status tells of it");
    $server->check_gone();
    check($who === 'master' || str_contains($server->log(), 'the manager process has ended'), 'it is logged', $server->log());
}
echo "done";
?>
--EXPECT--
done
