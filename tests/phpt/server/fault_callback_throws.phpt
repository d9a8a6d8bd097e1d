--TEST--
A callback that throws on every tenth request loses only those requests
--EXTENSIONS--
swoole
posix
--SKIPIF--
<?php is_dir('/proc/self') || die('skip /proc is needed'); ?>
--FILE--
<?php
require __DIR__ . '/../inc/fault.inc';
in_both_modes(function (string $mode) {
    $server = new FaultServer($mode);
    $server->wait_for('workerStart', 2);
    $load = new Load($server->port, 'tenth', 8);
    $load->during(5);
    $load->end();
    $faults = count($server->events('workerError'));
    report("a throw at every tenth request, $mode", $load, "$faults throws;");
    check($faults > 0 && $load->answered >= 8 * $faults, 'the others are served', $faults, $load->counts());
    check($load->wrong === 0, 'every answer is the right one', $load->counts());
    if ($mode === 'process') {
        check($load->lost === $faults && $load->broken === 0, 'one is lost by each throw', $faults, $load->counts());
    } else {
        check($load->lost === 0 && $load->broken <= 8 * $faults, 'connections end with their process', $load->counts());
    }
    check($server->stop() === 0, 'the server ends well');
});
echo "done";
?>
--EXPECT--
process
base
done
