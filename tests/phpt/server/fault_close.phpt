--TEST--
A close callback that throws still leaves the connection closed
--EXTENSIONS--
swoole
posix
--SKIPIF--
<?php is_dir('/proc/self') || die('skip /proc is needed'); ?>
--FILE--
<?php
require __DIR__ . '/../inc/fault.inc';
in_both_modes(function (string $mode) {
    $server = new FaultServer($mode, [], ['close']);
    $server->wait_for('workerStart', 2);
    $load = new Load($server->port);
    for ($n = 1; $n <= 6; $n++) {
        $client = new FaultClient($server->port);
        if ($n % 2) {
            $client->send('close');
        } else {
            check($client->ask('echo a') === 'a', 'it is answered');
            fclose($client->socket());
        }
        $load->until(fn () => count($server->events('workerError')) >= $n);
        $n % 2 && check($client->packet(LOST_AFTER) === false, 'it is closed');
    }
    $load->end();
    report("a close callback throws, $mode", $load, '6 throws;');
    check($load->wrong === 0 && $load->answered > 10, 'the others are served', $load->counts());
    check($load->lost <= 6 && ($mode === 'base' || $load->broken === 0), 'what is lost', $load->counts());
    $server->stop();
});
echo "done";
?>
--EXPECT--
process
base
done
