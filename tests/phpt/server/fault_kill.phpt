--TEST--
A killed worker loses only the requests it was handling
--EXTENSIONS--
swoole
posix
--SKIPIF--
<?php is_dir('/proc/self') || die('skip /proc is needed'); ?>
--FILE--
<?php
require __DIR__ . '/../inc/fault.inc';
in_both_modes(function (string $mode) {
    $server = new FaultServer($mode, ['task_worker_num' => 1]);
    $server->wait_for('workerStart', 3);
    $load = new Load($server->port);
    for ($kills = 0; $kills < 15; $kills++) {
        $load->during(0.2);
        posix_kill($server->worker($kills % 3), SIGKILL);
        $load->until(fn () => count($server->events('workerError')) > $kills);
    }
    $load->end();
    $answer = (new FaultClient($server->port))->ask('await still here');
    check($answer === 'still here' || $answer !== false, 'tasks are done still', $answer);
    report("a worker or task worker killed every 200 ms, $mode", $load, "$kills kills;");
    check(count($server->events('workerError 0 0 9')) === 5, 'the signal is reported', $server->events('workerError'));
    check($load->answered > 500 && $load->wrong === 0, 'the others are served', $load->counts());
    check($load->lost <= $kills, 'what is lost', $load->counts());
    check($load->broken <= ($mode === 'process' ? 0 : 10 * 4), 'what is broken', $load->counts());
    check($server->stop() === 0, 'the server ends well');
});
echo "done";
?>
--EXPECT--
process
base
done
