--TEST--
A server whose own callbacks throw logs it and leaves nothing behind
--EXTENSIONS--
swoole
posix
--SKIPIF--
<?php is_dir('/proc/self') || die('skip /proc is needed'); ?>
--FILE--
<?php
require __DIR__ . '/../inc/fault.inc';
in_both_modes(function (string $mode) {
    foreach (['managerStart', 'beforeReload', 'afterReload'] as $event) {
        $server = new FaultServer($mode, ['task_worker_num' => 1], [$event], $event !== 'managerStart');
        if ($event !== 'managerStart') {
            $server->wait_for('workerStart', 3);
            $server->wait_for('managerStart', 1);
            $server->signal(SIGUSR1);
        }
        check($server->wait() !== 0, "$event: the status tells of it");
        check(str_contains($server->log(), "Uncaught RuntimeException: out of $event"), "$event is logged", $server->log());
        $server->check_gone();
    }
    foreach (['managerStop', 'shutdown'] as $event) {
        $server = new FaultServer($mode, ['task_worker_num' => 1], [$event]);
        $server->wait_for('workerStart', 3);
        $server->wait_for('managerStart', 1);
        $status = $server->stop();
        check($event !== 'shutdown' || $status === 255, "$event: the status tells of it", $status);
        check(str_contains($server->log(), "Uncaught RuntimeException: out of $event"), "$event is logged", $server->log());
    }
    $server = new FaultServer($mode, [], ['workerStop']);
    $server->wait_for('workerStart', 2);
    check((new FaultClient($server->port))->ask('echo a') === 'a', 'workerStop: it serves');
    $server->signal(SIGUSR1);
    $server->wait_for('workerError', 2);
    check((new FaultClient($server->port))->ask('echo a') === 'a', 'workerStop: it serves after a reload');
    $server->stop();
});
echo "done";
?>
--EXPECT--
process
base
done
