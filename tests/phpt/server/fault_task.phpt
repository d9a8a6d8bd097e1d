--TEST--
A task callback that throws loses only its task
--EXTENSIONS--
swoole
posix
--SKIPIF--
<?php is_dir('/proc/self') || die('skip /proc is needed'); ?>
--FILE--
<?php
require __DIR__ . '/../inc/fault.inc';
in_both_modes(function (string $mode) {
    $server = new FaultServer($mode, ['task_worker_num' => 2], ['task']);
    $server->wait_for('workerStart', 4);
    $load = new Load($server->port, 'task', 8);
    $load->during(4);
    $load->end();
    $faults = count($server->events('workerError'));
    report("a task callback throws at every tenth task, $mode", $load, "$faults throws;");
    check($faults > 0 && $load->answered >= 9 * $faults, 'the others are done', $faults, $load->counts());
    check($load->lost === $faults && $load->broken + $load->wrong === 0, 'one is lost by each', $faults, $load->counts());
    check(!array_filter($server->events('workerError'), fn ($e) => !preg_match('/^workerError [23] 255 0$/', $e)), 'only task workers fail');
    check($server->stop() === 0, 'the server ends well');
});
echo "done";
?>
--EXPECT--
process
base
done
