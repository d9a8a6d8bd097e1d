--TEST--
Twenty reloads under load lose no request
--EXTENSIONS--
swoole
posix
--SKIPIF--
<?php is_dir('/proc/self') || die('skip /proc is needed'); ?>
--FILE--
<?php
require __DIR__ . '/../inc/fault.inc';
$server = new FaultServer('process', ['task_worker_num' => 1]);
$server->wait_for('workerStart', 3);
$load = new Load($server->port);
for ($reloads = 1; $reloads <= 20; $reloads++) {
    $server->signal(SIGUSR1);
    $load->until(fn () => count($server->events('afterReload')) >= $reloads);
    $load->during(0.03);
}
$load->end();
report('20 reloads, process', $load);
check($load->answered === $load->sent && $load->sent > 200, 'every request is answered', $load->counts());
check(!$server->events('workerError'), 'nobody fails', $server->events(''));
check(!str_contains($server->log(), 'killed'), 'nobody is killed', $server->log());
check($server->stop() === 0, 'the server ends well');
echo "done";
?>
--EXPECT--
done
